import { connect as connectTls } from 'node:tls';
import { connectTo } from './connect.ts';

/** Says hello in TLS on a connection of its own: does this port wait for TLS? Sends no secret, trusts no answer. */
export async function answersTls(ip: string, port: number, timeoutMs: number): Promise<boolean> {
  const socket = await connectTo(ip, port, timeoutMs).catch(() => undefined);
  if (!socket) return false;
  return new Promise((resolve) => {
    const secured = connectTls({ socket, rejectUnauthorized: false });
    const end = (answers: boolean): void => {
      clearTimeout(timer);
      secured.destroy();
      resolve(answers);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    secured.once('secureConnect', () => end(true));
    secured.once('error', ({ code = '' }: NodeJS.ErrnoException) => end(TLS_ALERT.test(code)));
    secured.once('close', () => end(false));
  });
}

/** A refusal in the language of TLS is an answer, too. */
const TLS_ALERT = /^ERR_SSL_.*ALERT/;
