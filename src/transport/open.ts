import type { TLSSocket } from 'node:tls';
import { type Clock, systemClock } from '../clock.ts';
import { failpoint } from '../failpoint.ts';
import { addressKind, mayCarryPlainPassword } from './addresses.ts';
import { type Capabilities, readCapabilities } from './capabilities.ts';
import { type Connected, connectToOne } from './connect.ts';
import type { Endpoint } from './endpoint.ts';
import { fail, Stop } from './failure.ts';
import { answersTls } from './probe.ts';
import type { Reply } from './reply.ts';
import { type Lookup, resolveHost } from './resolve.ts';
import { signIn } from './sign-in.ts';
import { type Step, Steps } from './steps.ts';
import { TIMEOUTS, type Timeouts } from './timeouts.ts';
import { secure } from './tls.ts';
import { Wire } from './wire.ts';

export interface OpenOptions {
  /** How sentences call the server. */
  serverName: string;
  /** The service type, for the hints of its provider. */
  preset?: string | undefined;
  timeouts?: Partial<Timeouts> | undefined;
  onStep?: ((step: Step) => void) | undefined;
  clock?: Clock | undefined;
  /** Instead of the system's. */
  lookup?: Lookup | undefined;
  /** Ends the connection at once, at whatever stage it is. */
  cut?: AbortSignal | undefined;
}

/** A line on which MAIL may be said. */
export interface OpenLine {
  wire: Wire;
  /** The text of the server's first reply. */
  greeting: string;
  capabilities: Capabilities;
  /** Present under TLS. */
  secured: TLSSocket | undefined;
  signedIn: boolean;
}

/**
 * Connect, encrypt, sign in. Throws a Stop, and has closed the connection then.
 */
export async function openLine(endpoint: Endpoint, options: OpenOptions): Promise<OpenLine> {
  const opening = new Opening(endpoint, options);
  try {
    return await opening.run();
  } catch (thrown) {
    opening.abandon();
    throw thrown;
  }
}

class Opening {
  readonly #endpoint: Endpoint;
  readonly #options: OpenOptions;
  readonly #timeouts: Timeouts;
  readonly #clock: Clock;
  readonly #steps: Steps;
  readonly #deadline: number;
  #wire: Wire | undefined;
  #secured: TLSSocket | undefined;

  constructor(endpoint: Endpoint, options: OpenOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.#clock = options.clock ?? systemClock;
    this.#steps = new Steps(this.#clock, options.onStep);
    this.#deadline = this.#clock.monotonic() + this.#timeouts.opening;
  }

  async run(): Promise<OpenLine> {
    const { security } = this.#endpoint;
    this.#steps.begin('connect');
    const { socket, ip } = await this.#connect();
    if (security === 'ssl') {
      this.#steps.begin('encrypt');
      this.#wire = new Wire(await this.#secure(socket), 'greet');
    } else this.#wire = new Wire(socket, 'greet');
    const greeting = await this.#greeting(this.#wire, ip);
    if (security === 'starttls') {
      this.#steps.begin('encrypt');
      this.#wire = await this.#startTls(this.#wire);
    }
    const capabilities = await this.#hello(this.#wire);
    if (security === 'none') this.#steps.skip('encrypt');
    const signedIn = await this.#signIn(this.#wire, capabilities, ip);
    this.#steps.end();
    return { wire: this.#wire, greeting, capabilities, secured: this.#secured, signedIn };
  }

  abandon(): void {
    this.#steps.fail();
    this.#wire?.destroy();
  }

  async #connect(): Promise<Connected> {
    const { host, port, allowAddress } = this.#endpoint;
    const { lookup, cut } = this.#options;
    const resolved = await resolveHost(host, { lookup, cut, timeoutMs: this.#left('dns') });
    if (!resolved.ok) throw new Stop('dns', { failure: resolved.failure });
    // One forbidden address among good ones is a trap, not a spare.
    const refused = resolved.addresses.find((ip) => !allowAddress(ip));
    if (refused !== undefined)
      throw fail('dns', 'host_not_allowed', { ip: refused, what: WHAT[addressKind(refused)] });
    return connectToOne(resolved.addresses, port, this.#left('connect'), cut);
  }

  async #secure(socket: Connected['socket']): Promise<TLSSocket> {
    const secured = secure(socket, this.#endpoint, this.#left('tls'), this.#clock.now());
    failpoint('tls-begun', () => socket.destroy());
    this.#secured = await secured;
    return this.#secured;
  }

  async #greeting(wire: Wire, ip: string): Promise<string> {
    const greeted = wire.reply(this.#left('greeting'));
    const reply =
      this.#endpoint.security === 'ssl' ? await greeted : await this.#greetingOrProbe(greeted, ip);
    if (reply.code !== 220) throw new Stop('greet', { reply });
    return reply.lines.join(' ');
  }

  /** A port that waits for TLS is silent like one that is slow, so silence is looked into while we go on waiting. */
  async #greetingOrProbe(greeted: Promise<Reply>, ip: string): Promise<Reply> {
    const { probeAfter } = this.#timeouts;
    const timer = Promise.withResolvers<'silence'>();
    const handle = setTimeout(() => timer.resolve('silence'), probeAfter);
    const first = await Promise.race([greeted, timer.promise]).finally(() => clearTimeout(handle));
    if (first !== 'silence') return first;
    const probe = answersTls(ip, this.#endpoint.port, Math.min(probeAfter, this.#left('tls')));
    const second = await Promise.race([greeted, probe]);
    if (second === true) {
      greeted.catch(() => {}); // the line is closed now; what becomes of the greeting does not matter
      throw fail('greet', 'tls_mode_should_be_ssl');
    }
    return greeted;
  }

  /** RFC 3207. There is no way back to plain text, and no byte from before the handshake is believed. */
  async #startTls(plain: Wire): Promise<Wire> {
    const { starttls } = await this.#hello(plain);
    if (!starttls) throw fail('ehlo', 'starttls_missing');
    const reply = await this.#ask(plain, 'starttls', 'STARTTLS');
    if (reply.code !== 220) throw new Stop('starttls', { reply });
    if (!plain.isQuiet)
      throw fail('tls', 'tls_failed', { detail: 'the server sent more than its answer to STARTTLS' });
    return new Wire(await this.#secure(plain.release()), 'ehlo');
  }

  async #hello(wire: Wire): Promise<Capabilities> {
    const name = this.#endpoint.heloName || addressLiteral(wire.socket.localAddress);
    const reply = await this.#ask(wire, 'ehlo', `EHLO ${name}`);
    if (isOk(reply)) return readCapabilities('EHLO', reply);
    if (reply.code < 500) throw new Stop('ehlo', { reply });
    const second = await this.#ask(wire, 'ehlo', `HELO ${name}`); // RFC 5321 §3.2
    if (!isOk(second)) throw new Stop('ehlo', { reply: second });
    return readCapabilities('HELO', second);
  }

  async #signIn(wire: Wire, capabilities: Capabilities, ip: string): Promise<boolean> {
    const { username, password, security } = this.#endpoint;
    if (username === undefined || password === undefined) {
      this.#steps.skip('sign_in');
      return false;
    }
    this.#steps.begin('sign_in');
    if (security === 'none' && !mayCarryPlainPassword(ip)) throw fail('auth', 'plaintext_password', { ip });
    await signIn(wire, capabilities, { username, password }, this.#left('command'));
    return true;
  }

  #ask(wire: Wire, stage: 'ehlo' | 'starttls', command: string): Promise<Reply> {
    return wire.ask(stage, command, this.#left('command'));
  }

  /** The time for one stage, never beyond the time for all of them. */
  #left(stage: keyof Timeouts): number {
    return Math.max(1, Math.min(this.#timeouts[stage], this.#deadline - this.#clock.monotonic()));
  }
}

function isOk({ code }: Reply): boolean {
  return code >= 200 && code < 300;
}

/** RFC 5321 §4.1.3. */
function addressLiteral(ip = '127.0.0.1'): string {
  return ip.includes(':') ? `[IPv6:${ip}]` : `[${ip}]`;
}

const WHAT = {
  public: 'an address that is not allowed here',
  private: 'a private address. If it is your own mail server, allow it',
  loopback: 'this machine itself. If it is your own mail server, allow it',
  forbidden: 'an address that is never a mail server',
};
