import { createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { TestAuthority } from '../../src/demo-smtp/certificates.ts';

// The cheapest SMTP server that still keeps to the protocol, in a process of its own: it counts terminators and drops
// what it reads. Started by parts/sink.ts with: SECURITY (none or starttls) and DELAY in ms before every reply.

const [security = 'none', delayText = '0'] = process.argv.slice(2);
const delayMs = Number(delayText);
const TERMINATOR = '\r\n.\r\n';
const SEAM = TERMINATOR.length - 1;
/** Recipients that begin so have the moment of their 250 written down. */
const WATCHED = 'RCPT TO:<code';

let count = 0;
/** CLOCK_MONOTONIC in nanoseconds at the 250, by recipient. */
let watched: [string, string][] = [];

const authority = new TestAuthority(Date.now());
const certificate = authority.issue('good');
const secureContext = createSecureContext({ cert: certificate.certPem, key: certificate.keyPem });

class Session {
  #socket: Socket;
  #isSecure = false;
  #inData = false;
  /** A command line that is not complete, or the last bytes of content, where the terminator may begin. */
  #rest = '';
  #recipient = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
    this.#reply('220 sink.example ESMTP\r\n');
  }

  #listen(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('error', () => this.#socket.destroy());
  }

  /** One write answers everything that one chunk asked. */
  readonly #onData = (chunk: Buffer): void => {
    let text = this.#rest + chunk.toString('latin1');
    let replies = '';
    this.#rest = '';
    for (;;) {
      const end = text.indexOf(this.#inData ? TERMINATOR : '\r\n');
      if (end < 0) break;
      if (this.#inData) {
        text = text.slice(end + TERMINATOR.length);
        replies += this.#received();
      } else {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (line === 'STARTTLS') {
          this.#secure();
          return;
        }
        replies += this.#answer(line);
      }
    }
    this.#rest = this.#inData ? text.slice(-SEAM) : text;
    if (replies !== '') this.#reply(replies);
  };

  #answer(line: string): string {
    switch (line.slice(0, 4)) {
      case 'EHLO':
        return `250-sink.example\r\n250-PIPELINING\r\n${security === 'starttls' && !this.#isSecure ? '250-STARTTLS\r\n' : ''}250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 50000000\r\n`;
      case 'RCPT':
        this.#recipient = line.startsWith(WATCHED) ? line.slice(9, -1) : '';
        return '250 2.1.5 Ok\r\n';
      case 'DATA':
        this.#inData = true;
        return '354 Go on\r\n';
      case 'QUIT':
        return '221 2.0.0 Bye\r\n';
      default:
        return '250 2.0.0 Ok\r\n';
    }
  }

  #received(): string {
    this.#inData = false;
    count++;
    if (this.#recipient !== '') watched.push([this.#recipient, String(process.hrtime.bigint())]);
    return '250 2.0.0 Ok: queued\r\n';
  }

  #secure(): void {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.write('220 Go on\r\n');
    this.#socket = new TLSSocket(plain, { isServer: true, secureContext });
    this.#isSecure = true;
    this.#listen();
  }

  #reply(text: string): void {
    if (delayMs === 0) this.#socket.write(text, 'latin1');
    else setTimeout(() => this.#socket.writable && this.#socket.write(text, 'latin1'), delayMs);
  }
}

process.on('message', (question) => {
  if (question === 'count') process.send!({ count });
  else {
    process.send!({ count, watched });
    watched = [];
  }
});
process.on('disconnect', () => process.exit());

const server = createServer({ noDelay: true }, (socket) => {
  new Session(socket);
}).listen(0, '127.0.0.1', () => {
  process.send!({ port: (server.address() as { port: number }).port, caPem: authority.caPem });
});
