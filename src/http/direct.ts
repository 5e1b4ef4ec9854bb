import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './errors.ts';
import type { Asked, Coming, Route } from './route.ts';

/**
 * Answers calls that come by the thousand (`Route.direct`) from the message on the socket, without a web request and a
 * web response in between, which would cost an eighth of such a call. Its steps are those of every call. What is
 * unusual about one is left to the framework.
 * @returns takes a call, or says false: then the framework has to
 */
export function answerDirectly(
  routes: readonly Route[],
  answer: (coming: Coming) => Promise<Answer | Response>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const direct = new Map(routes.filter((one) => one.direct).map((one) => [`${one.method} ${one.path}`, one]));
  return (incoming, outgoing) => {
    const one = direct.get(`${incoming.method} ${incoming.url}`);
    if (!one || !isUsual(incoming)) return false;
    const ip = incoming.socket.remoteAddress;
    const answered = answer({ one, request: new Message(incoming), ip, params: {}, query: {} });
    void answered.then(async (made) => {
      write(outgoing, made instanceof Response ? await plain(made) : made);
      if (!incoming.complete) dropSoon(incoming);
    });
    return true;
  };
}

/** A body of so many bytes is read in any case, and never has to be drained. */
const MAX_BYTES = 64 * 1024;
const USUAL_HOST = /^[\w.-]+(:\d{1,5})?$/;

/** It says how long its short body is, and gives each header once: of two Node.js drops one, where the web joins them. */
function isUsual({ headers, rawHeaders }: IncomingMessage): boolean {
  return (
    Number(headers['content-length']) <= MAX_BYTES &&
    USUAL_HOST.test(headers.host ?? '') &&
    Object.keys(headers).length * 2 === rawHeaders.length
  );
}

/** A message on its socket, as far as the steps of a call look at one. */
class Message implements Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Asked['headers'];
  /** It is read as text. */
  readonly body = null;
  readonly #incoming: IncomingMessage;
  readonly #chunks: Buffer[] = [];

  constructor(incoming: IncomingMessage) {
    this.method = incoming.method!;
    this.url = incoming.url!;
    this.headers = { get: (name) => (incoming.headers[name] as string | undefined) ?? null };
    this.#incoming = incoming;
    // From the start: a caller that leaves right after its last byte has still sent its message.
    incoming.on('data', (chunk) => this.#chunks.push(chunk));
  }

  text(): Promise<string> {
    const incoming = this.#incoming;
    return new Promise((resolve, reject) => {
      if (incoming.readableEnded) resolve(this.#read());
      else if (incoming.errored) reject(incoming.errored);
      else incoming.on('end', () => resolve(this.#read())).on('error', reject);
    });
  }

  #read(): string {
    return decoder.decode(this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks));
  }
}

/** Drops the byte order mark that some clients begin with. */
const decoder = new TextDecoder();

/** The web's is for streams, files and pages; also for an answer without a body. */
async function plain(made: Response): Promise<Answer> {
  return { status: made.status, headers: Object.fromEntries(made.headers), body: await made.text() };
}

function write(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  outgoing.end(body);
}

/** Who was refused before all of its body came has so long to send the rest, as with the framework. */
const REST_MS = 500;

function dropSoon(incoming: IncomingMessage): void {
  const drop = () => {
    if (!incoming.complete) incoming.socket.destroySoon();
  };
  setTimeout(drop, REST_MS).unref();
}
