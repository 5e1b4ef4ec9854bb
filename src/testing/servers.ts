import type { TestApp } from './test-app.ts';

/** What to send to `POST /v1/servers` for a server on this machine. */
export function serverInput(
  { host, port }: { host: string; port: number },
  changed: Record<string, unknown> = {},
) {
  return { type: 'generic', host, port, security: 'none', allowPrivate: true, ...changed };
}

/** Connects a server on this machine. @returns its id. @throws Error with the answer when it is refused */
export async function connectServer(
  { call }: Pick<TestApp, 'call'>,
  server: { host: string; port: number },
  changed: Record<string, unknown> = {},
): Promise<string> {
  const { status, body } = await call('POST', '/v1/servers', serverInput(server, changed));
  if (status !== 201) throw new Error(`The server was refused: ${JSON.stringify(body)}`);
  return body.id;
}

/** Sends so many messages in one call. @returns their ids */
export async function sendMany({ call }: TestApp, count: number, changed: object = {}): Promise<string[]> {
  const messages = Array.from({ length: count }, (_, at) => ({
    rcpt: `u${at}@example.com`,
    subject: 's',
    text: 't',
    ...changed,
  }));
  const { body } = await call('POST', '/v1/messages/batch', { messages });
  return body.results.map((one: { id: string }) => one.id);
}
