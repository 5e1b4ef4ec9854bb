import { onTestFinished } from 'vitest';
import type { Fault, FaultStage } from '../demo-smtp/script.ts';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../demo-smtp/server.ts';
import { type Context, classify } from './classify.ts';
import type { Endpoint } from './endpoint.ts';
import type { Envelope } from './envelope.ts';
import type { Outcome, Stage } from './outcome.ts';
import { parseReply } from './reply.ts';
import { type OpenOptions, SmtpSession } from './smtp.ts';
import { type VerifyOptions, verifyEndpoint } from './verify.ts';

/** A fake server that ends with its test. */
export async function fakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const server = await startFakeServer(options);
  onTestFinished(() => server.stop());
  return server;
}

/** A fake server that misbehaves at one stage. */
export function faultyServer(
  stage: FaultStage,
  fault: Fault,
  options: Partial<FakeServerOptions> = {},
): Promise<FakeServer> {
  return fakeServer({ security: 'none', script: [{ stage, fault }], ...options });
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

/** How a verification that must fail fails. */
export async function refusalOf(endpoint: Endpoint, options: VerifyOptions = {}): Promise<Outcome> {
  const verified = await verifyEndpoint(endpoint, { serverName: 'Test server', ...options });
  if (verified.ok) throw new Error('The verification passed.');
  return verified.outcome;
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

export const SIGN_IN = { username: 'demo', password: 'correct horse' };
export const USERS = { demo: 'correct horse' };

export const CONTEXT: Context = {
  server: 'Our relay',
  host: 'smtp.example.net',
  port: 587,
  user: 'shop',
  from: 'news@shop.example',
  rcpt: 'ann@example.org',
};

/** What a reply line means at a stage; ` | ` parts its lines. */
export function explain(stage: Stage, line: string, context: Partial<Context> = {}): Outcome {
  const reply = parseReply(line.replaceAll(' | ', '\n'));
  if (!reply) throw new Error(`No reply: ${line}`);
  return classify({ stage, reply, context: { ...CONTEXT, ...context } });
}
