import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

/**
 * Writes requests to a port as a client does, each after the answer to the one before, on one connection. HTTP
 * libraries would tidy up what real clients send: broken escapes, doubled slashes, odd headers.
 */
export function exchange(port: number, ...requests: Buffer[]): Promise<RawAnswer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(requests[0]!));
    let received = '';
    let answered = 0;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      const answers = readAnswers(received);
      if (answers.length === answered) return;
      answered = answers.length;
      if (answered < requests.length) return socket.write(requests[answered]!);
      socket.destroy();
      resolve(answers);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`The connection closed after: ${received.slice(0, 200)}`)));
  });
}

/** Complete answers at the start of a text (RFC 9112 §6): with a length, in chunks, or without a body. */
function readAnswers(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(first.split(' ')[1]);
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    const body = readBody(rest.slice(end + 4), status, headers);
    if (!body) break;
    if (status >= 200)
      answers.push({ status, headers, body: Buffer.from(body.text, 'latin1').toString('utf8') });
    rest = rest.slice(end + 4 + body.length);
  }
  return answers;
}

function readBody(
  text: string,
  status: number,
  headers: Map<string, string>,
): { text: string; length: number } | undefined {
  if (status < 200 || status === 204) return { text: '', length: 0 };
  const length = Number(headers.get('content-length') ?? Number.NaN);
  if (!Number.isNaN(length))
    return text.length >= length ? { text: text.slice(0, length), length } : undefined;
  const end = text.indexOf('0\r\n\r\n');
  if (end < 0) return undefined;
  const chunks = text.slice(0, end).replace(/(^|\r\n)[0-9a-f]+\r\n/gi, '');
  return { text: chunks.replace(/\r\n$/, ''), length: end + 5 };
}
