import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Line } from './faults.ts';

/** Takes what it can use from the front of `input` and says how many bytes that were; 0 waits for more. */
export type Consume = (input: Buffer) => number;

const IGNORE = (): void => {};

/** The server's end of one connection: bytes in, replies out in one write per turn, and the ways to misbehave. */
export class ServerConnection implements Line {
  readonly #raw: Socket;
  readonly #consume: Consume;
  readonly #maxInput: number;
  #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  #output = '';
  #isHeld = false;
  #isDeaf = false;
  #isSecure = false;
  #isAnticipated = false;

  constructor(socket: Socket, maxInput: number, consume: Consume) {
    this.#raw = socket;
    this.#socket = socket;
    this.#maxInput = maxInput;
    this.#consume = consume;
    this.#listen(socket);
  }

  get isSecure(): boolean {
    return this.#isSecure;
  }

  say(text: string): void {
    if (this.#isAnticipated) this.#isAnticipated = false;
    else this.write(`${text}\r\n`);
  }

  anticipate(text: string): void {
    this.say(text);
    this.#isAnticipated = true;
  }

  write(bytes: string): void {
    this.#output += bytes;
  }

  trickle(text: string, byteMs: number, then: () => void): void {
    const bytes = Buffer.from(`${text}\r\n`, 'latin1');
    const said = Promise.withResolvers<void>();
    let at = 0;
    const timer = setInterval(() => {
      if (this.#socket.writable && at < bytes.length) this.#socket.write(bytes.subarray(at, ++at));
      else said.resolve(clearInterval(timer));
    }, byteMs).unref();
    this.hold(said.promise, then);
  }

  end(): void {
    this.flush();
    this.#isDeaf = true;
    this.#socket.end();
  }

  reset(): void {
    this.#isDeaf = true;
    this.#raw.resetAndDestroy();
  }

  mute(): void {
    this.#isDeaf = true;
  }

  hold(until: Promise<void> | number, then: () => void): void {
    this.#isHeld = true;
    const goOn = (): void => {
      this.#isHeld = false;
      then();
      this.advance();
    };
    if (typeof until === 'number') setTimeout(goOn, until).unref();
    else void until.then(goOn);
  }

  /** Works through the input as far as it goes, then writes what was said. */
  advance(): void {
    while (this.isListening && this.#input.length > 0) {
      const taken = this.#consume(this.#input);
      if (taken === 0) break;
      this.#input = this.#input.subarray(taken);
    }
    this.flush();
  }

  /** False while a fault holds the connection, and after one silenced or ended it. */
  get isListening(): boolean {
    return !this.#isHeld && !this.#isDeaf;
  }

  flush(): void {
    if (this.#output !== '' && this.#socket.writable) this.#socket.write(this.#output, 'latin1');
    this.#output = '';
  }

  /** What came with the command before TLS must not count after it (RFC 3207 §4.2). */
  forgetInput(): void {
    this.#input = Buffer.alloc(0);
  }

  /** Goes on under TLS, with a hello that has come meanwhile. */
  secure(context: SecureContext, then: () => void): void {
    this.flush();
    this.#raw.removeAllListeners('data');
    if (this.#input.length > 0) {
      this.#raw.pause(); // a flowing socket would lose what is put back
      this.#raw.unshift(this.#input);
    }
    this.forgetInput();
    const secured = new TLSSocket(this.#raw, { isServer: true, secureContext: context });
    secured.once('secure', () => {
      this.#isSecure = true;
      then();
      this.flush();
    });
    this.#socket = secured;
    this.#listen(secured);
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('error', IGNORE);
    socket.on('data', (chunk: Buffer) => {
      if (this.#isDeaf) return;
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
      if (this.#input.length > this.#maxInput) this.reset();
      else this.advance();
    });
  }
}
