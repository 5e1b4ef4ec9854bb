import { onTestFinished } from 'vitest';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../demo-smtp/server.ts';
import type { Endpoint } from './endpoint.ts';
import type { Envelope } from './envelope.ts';
import { type OpenOptions, SmtpSession } from './smtp.ts';

/** A fake server that ends with its test. */
export async function fakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const server = await startFakeServer(options);
  onTestFinished(() => server.stop());
  return server;
}

/** The right way to reach a fake server, changed where the test wants it wrong. */
export function endpointFor(server: FakeServer, changed: Partial<Endpoint> = {}): Endpoint {
  return {
    host: server.host,
    port: server.port,
    security: 'none',
    heloName: 'client.example.com',
    tlsCa: server.caPem,
    allowAddress: () => true,
    ...changed,
  };
}

/** An open session that ends with its test. */
export async function openSession(
  endpoint: Endpoint,
  options: Partial<OpenOptions> = {},
): Promise<SmtpSession> {
  const opened = await SmtpSession.open(endpoint, { serverName: 'Test server', ...options });
  if (!opened.ok)
    throw new Error(`The session did not open: ${opened.outcome.code}: ${opened.outcome.message}`);
  onTestFinished(() => opened.session.destroy());
  return opened.session;
}

export const ENVELOPE: Envelope = { from: 'shop@example.com', to: 'ann@example.org', needsSmtpUtf8: false };
export const CONTENT = Buffer.from('Subject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\nHello Ann.\r\n');
export const yes = async (): Promise<boolean> => true;
