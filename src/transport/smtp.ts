import { isAscii } from 'node:buffer';
import type { TLSSocket } from 'node:tls';
import { failpoint, isWithout } from '../failpoint.ts';
import type { Capabilities } from './capabilities.ts';
import { type Context, classify } from './classify.ts';
import { TERMINATOR, wireContent } from './content.ts';
import type { Endpoint } from './endpoint.ts';
import { assertEnvelope, type Envelope } from './envelope.ts';
import { fail, Stop } from './failure.ts';
import { type OpenLine, type OpenOptions, openLine } from './open.ts';
import type { Outcome, Stage } from './outcome.ts';
import type { Reply } from './reply.ts';
import { maskReply, wireSecrets } from './secrets.ts';
import { TIMEOUTS, type Timeouts } from './timeouts.ts';
import type { Wire } from './wire.ts';

export type { Capabilities } from './capabilities.ts';
export type { OpenOptions } from './open.ts';
export type { Step } from './steps.ts';
export type { Timeouts } from './timeouts.ts';

export type Opened = { ok: true; session: SmtpSession } | { ok: false; outcome: Outcome };

/** A command of the envelope, and the stage it is said at. */
type Command = [Stage, string];

const RESET = 'RSET';

/**
 * Up to this size the content waits for the marker, and leaves in one write with the terminator. What is longer is on its
 * way while the marker is stored.
 */
const ONE_WRITE = 8_192;
/** So many messages in good order on a session, and the next envelope may leave together with a terminator. */
const EARNED_AFTER = 3;

/** A message that will be sent next on the same session. */
export type Following = { envelope: Envelope; content: Buffer };

/**
 * One SMTP session (RFC 5321) that knows its stage at every moment. One message at a time; not used again after any
 * fault of the line or of the protocol.
 */
export class SmtpSession {
  /** The text the server opened the session with: it often names its program. */
  readonly greeting: string;
  readonly capabilities: Capabilities;
  /** Present under TLS. */
  readonly secured: TLSSocket | undefined;
  readonly signedIn: boolean;
  readonly #wire: Wire;
  readonly #timeouts: Timeouts;
  readonly #context: Context;
  readonly #secrets: string[];
  /** What a fail-point may do to the connection. */
  readonly #cut = (): void => this.#wire.destroy();
  #sent = 0;
  #isBotched = false;
  #needsReset = false;
  /** The envelope whose commands left together with the terminator before it; its replies are still to come. */
  #announced: { envelope: Envelope; commands: Command[] } | undefined;

  /** Connects, encrypts and signs in. */
  static async open(endpoint: Endpoint, options: OpenOptions): Promise<Opened> {
    if (/[\0-\x20\x7f]/.test(endpoint.heloName))
      throw new TypeError('The HELO name contains a space or control character.');
    const context = contextOf(endpoint, options);
    try {
      const line = await openLine(endpoint, options);
      return {
        ok: true,
        session: new SmtpSession(line, endpoint, { ...TIMEOUTS, ...options.timeouts }, context),
      };
    } catch (thrown) {
      const secrets = wireSecrets(endpoint.username, endpoint.password);
      return { ok: false, outcome: outcomeOf(thrown, context, secrets) };
    }
  }

  private constructor(line: OpenLine, endpoint: Endpoint, timeouts: Timeouts, context: Context) {
    this.greeting = line.greeting;
    this.capabilities = line.capabilities;
    this.secured = line.secured;
    this.signedIn = line.signedIn;
    this.#wire = line.wire;
    this.#timeouts = timeouts;
    this.#context = context;
    this.#secrets = wireSecrets(endpoint.username, endpoint.password);
  }

  /** How many messages the server accepted on this session. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether another message may be sent; where one was announced, only that one. */
  get usable(): boolean {
    return !this.#isBotched && (this.#announced !== undefined || this.#wire.isQuiet);
  }

  /** Whether the server has earned that an envelope leaves before the message before it is answered. */
  get runsAhead(): boolean {
    return this.capabilities.pipelining && this.#sent >= EARNED_AFTER;
  }

  /**
   * Sends one message. `beforeDot` is asked when all but the end of the message is out; the terminator leaves only
   * after it resolved true, so that a caller can store the fact first. `following` is asked at that moment for the
   * message that this session will be given next: its envelope then leaves in the same write (RFC 2920 §3.1 lets
   * commands follow the content), which saves a round trip of every message.
   * @throws TypeError only for a bug of the caller
   */
  async send(
    envelope: Envelope,
    content: Buffer,
    beforeDot: () => Promise<boolean>,
    following?: () => Following | undefined,
  ): Promise<Outcome> {
    assertEnvelope(envelope);
    if (this.#isBotched) throw new TypeError('The session is not usable any more.');
    const announced = this.#announced;
    if (announced && announced.envelope !== envelope)
      throw new TypeError('The session was promised to another message.');
    const context = { ...this.#context, from: envelope.from, rcpt: envelope.to };
    this.#isBotched = true; // until this message has come to an orderly end
    this.#announced = undefined;
    try {
      const bytes = envelope.isWireForm ? content : wireContent(content);
      if (announced) await this.#readPipeline(announced.commands);
      else {
        await this.#checkLine('mail'); // a server may have closed the session since it opened it
        this.#checkLimits(envelope, bytes);
        await this.#sendEnvelope(envelope, bytes);
      }
      await this.#sendContent(bytes, beforeDot, following);
      const reply = await this.#wire.reply(this.#timeouts.afterDot);
      failpoint('dot-replied', this.#cut);
      return this.#concluded(reply, context);
    } catch (thrown) {
      if (this.#isBotched) this.destroy();
      return outcomeOf(thrown, context, this.#secrets);
    }
  }

  /** Says goodbye, within a bounded time. */
  async close(): Promise<void> {
    if (this.usable && this.#announced === undefined) {
      this.#isBotched = true;
      this.#wire.write('QUIT\r\n');
      await this.#wire.reply(this.#timeouts.quit).catch(() => {});
    }
    this.destroy();
  }

  destroy(): void {
    this.#isBotched = true;
    this.#wire.destroy();
  }

  /** What this server cannot carry is known before it is asked. */
  #checkLimits(envelope: Envelope, content: Buffer): void {
    const broken = limitBroken(this.capabilities, envelope, content);
    if (broken) throw this.#refused(broken);
  }

  async #sendEnvelope(envelope: Envelope, content: Buffer): Promise<void> {
    const commands = this.#commandsFor(envelope, content);
    if (this.#needsReset) commands.unshift(['mail', RESET]);
    if (this.capabilities.pipelining) {
      this.#wire.write(inOneWrite(commands));
      await this.#readPipeline(commands);
    } else for (const command of commands) await this.#say(command);
    this.#needsReset = false;
  }

  #commandsFor(envelope: Envelope, content: Buffer): Command[] {
    return [
      ['mail', `MAIL FROM:<${envelope.from}>${this.#mailParameters(envelope, content)}`],
      ['rcpt', `RCPT TO:<${envelope.to}>`],
      ['data', 'DATA'],
    ];
  }

  #mailParameters({ needsSmtpUtf8, size }: Envelope, content: Buffer): string {
    const { size: limit, eightBitMime } = this.capabilities;
    return [
      limit === undefined ? '' : ` SIZE=${size ?? content.length}`,
      eightBitMime && !isAscii(content) ? ' BODY=8BITMIME' : '',
      needsSmtpUtf8 ? ' SMTPUTF8' : '',
    ].join('');
  }

  async #say(command: Command): Promise<void> {
    const reply = await this.#wire.ask(...command, this.#timeouts.command);
    if (!isExpected(command, reply)) throw this.#refusedBy(command, reply);
    this.#passed(command);
  }

  /**
   * The replies to a whole envelope that left in one write (RFC 2920). The first refusal is the outcome; the replies after it are read, so
   * that the session stays in step. A server that wants the content all the same (§3.1) gets the line closed.
   */
  async #readPipeline(commands: Command[]): Promise<void> {
    let refusal: { command: Command; reply: Reply } | undefined;
    try {
      for (const command of commands) {
        const [stage] = command;
        this.#wire.stage = stage;
        const reply = this.#wire.replyAtHand() ?? (await this.#wire.reply(this.#timeouts.command));
        if (!isExpected(command, reply)) refusal ??= { command, reply };
        else if (refusal && stage === 'data') throw stopAt(refusal.command, refusal.reply);
        else this.#passed(command);
      }
    } catch (thrown) {
      throw refusal && thrown instanceof Stop ? stopAt(refusal.command, refusal.reply) : thrown;
    }
    if (refusal) throw this.#refusedBy(refusal.command, refusal.reply);
  }

  #passed([stage]: Command): void {
    if (stage === 'rcpt') failpoint('rcpt-replied', this.#cut);
  }

  async #sendContent(
    content: Buffer,
    beforeDot: () => Promise<boolean>,
    following?: () => Following | undefined,
  ): Promise<void> {
    this.#wire.stage = 'body';
    const goesAhead = content.length > ONE_WRITE;
    if (goesAhead) await this.#wire.writeContent(content, this.#timeouts.dataBlock);
    failpoint('body-begun', this.#cut);
    await this.#checkLine('body');
    failpoint('mark-wanted', this.#cut);
    if (!isWithout('P3')) await this.#permit(beforeDot);
    failpoint('mark-committed', this.#cut);
    await this.#checkLine('body');
    this.#wire.stage = 'dot';
    const end = TERMINATOR + this.#announce(following?.());
    if (goesAhead) this.#wire.write(end);
    else this.#wire.writeBoth(content, end);
    failpoint('dot-written', this.#cut);
    if (this.#announced) failpoint('ran-ahead', this.#cut);
  }

  /** The commands of the next envelope, where there is one that this server can carry. */
  #announce(next: Following | undefined): string {
    if (!next) return '';
    const commands = this.#commandsFor(next.envelope, next.content);
    this.#announced = { envelope: next.envelope, commands };
    return inOneWrite(commands);
  }

  /** Whether this server can carry a message, as far as is known before it is asked. */
  canCarry({ envelope, content }: Following): boolean {
    return limitBroken(this.capabilities, envelope, content) === undefined;
  }

  /** An answer before it was asked for is about something else, and a closed line takes nothing: nothing was sent. */
  #checkLine(stage: Stage): Promise<void> | undefined {
    this.#wire.stage = stage;
    return this.#wire.expectQuiet(this.#timeouts.command);
  }

  async #permit(beforeDot: () => Promise<boolean>): Promise<void> {
    let isPermitted: boolean;
    try {
      isPermitted = await beforeDot();
    } catch {
      throw fail('local', 'local_storage');
    }
    if (!isPermitted) throw fail('local', 'lease_lost');
  }

  /** The reply to the terminator decides, whatever it says. */
  #concluded(reply: Reply, context: Context): Outcome {
    const outcome = classify({ stage: 'dot', reply: maskReply(reply, this.#secrets), context });
    this.#isBotched = reply.code === 421 || outcome.class === 'uncertain';
    if (outcome.class === 'accepted') this.#sent++;
    if (this.#isBotched) this.destroy();
    return outcome;
  }

  /** A refusal within the protocol: the session goes on with the next message. */
  #refusedBy(command: Command, reply: Reply): Stop {
    const stop = stopAt(command, reply);
    const goesOn = reply.code >= 400 && reply.code !== 421 && reply.code !== 530;
    if (!goesOn || 'failure' in stop.cause) return stop;
    this.#needsReset = stop.stage !== 'mail';
    return this.#refused(stop);
  }

  #refused(stop: Stop): Stop {
    this.#isBotched = false;
    return stop;
  }
}

function inOneWrite(commands: readonly Command[]): string {
  return `${commands.map(([, words]) => words).join('\r\n')}\r\n`;
}

function limitBroken(
  { smtpUtf8, size: limit }: Capabilities,
  { needsSmtpUtf8, size }: Envelope,
  content: Buffer,
): Stop | undefined {
  const bytes = size ?? content.length;
  if (needsSmtpUtf8 && !smtpUtf8) return fail('local', 'smtputf8_missing');
  if (limit === undefined || bytes <= limit) return undefined;
  return fail('local', 'too_large', { size: megabytes(bytes), limit: megabytes(limit) });
}

/** RFC 5321 §4.1.1.5 knows no refusal of RSET: a server that cannot start anew has lost the session. */
function stopAt([stage, words]: Command, reply: Reply): Stop {
  return words === RESET ? fail(stage, 'closed') : new Stop(stage, { reply });
}

function isExpected([stage]: Command, { code }: Reply): boolean {
  return stage === 'data' ? code === 354 : code >= 200 && code < 300;
}

function contextOf(endpoint: Endpoint, options: OpenOptions): Context {
  return {
    server: options.serverName,
    host: endpoint.host,
    port: endpoint.port,
    user: endpoint.username,
    helo: endpoint.heloName,
    preset: options.preset,
  };
}

/** Turns the end of a session into an outcome. Anything but a Stop is a bug and goes on. */
function outcomeOf(thrown: unknown, context: Context, secrets: string[]): Outcome {
  if (!(thrown instanceof Stop)) throw thrown;
  const { cause, stage } = thrown;
  if ('reply' in cause) return classify({ stage, reply: maskReply(cause.reply, secrets), context });
  return classify({ stage, failure: cause.failure, context });
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
