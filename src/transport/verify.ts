import type { TLSSocket } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { Endpoint } from './endpoint.ts';
import type { Outcome } from './outcome.ts';
import type { Lookup } from './resolve.ts';
import { type Capabilities, SmtpSession, type Step } from './smtp.ts';
import { type Timeouts, VERIFY_TIMEOUTS } from './timeouts.ts';
import { certificateNames } from './tls.ts';

export interface CertificateSummary {
  subject: string;
  issuer: string;
  names: string[];
  /** ISO 8601. */
  validTo: string;
  /** SHA-256, hex with colons. */
  fingerprint: string;
}

export interface VerifyOptions {
  /** How sentences call the server; its host when missing. */
  serverName?: string | undefined;
  preset?: string | undefined;
  timeouts?: Partial<Timeouts> | undefined;
  onStep?: ((step: Step) => void) | undefined;
  clock?: Clock | undefined;
  lookup?: Lookup | undefined;
}

export type Verified =
  | {
      ok: true;
      capabilities: Capabilities;
      steps: Step[];
      certificate?: CertificateSummary;
      signedIn: boolean;
    }
  | { ok: false; outcome: Outcome; steps: Step[] };

/**
 * Opens a real session, signs in and leaves; MAIL is never said. Answers within 15 s. `steps` are those that ended:
 * connect, encrypt, sign_in.
 */
export async function verifyEndpoint(endpoint: Endpoint, options: VerifyOptions = {}): Promise<Verified> {
  const steps: Step[] = [];
  const opened = await SmtpSession.open(endpoint, {
    ...options,
    serverName: options.serverName ?? endpoint.host,
    timeouts: { ...VERIFY_TIMEOUTS, ...options.timeouts },
    onStep: (step) => {
      if (step.status !== 'running') steps.push(step);
      options.onStep?.(step);
    },
  });
  if (!opened.ok) return { ok: false, outcome: opened.outcome, steps };
  const { session } = opened;
  const { capabilities, signedIn, secured } = session;
  const certificate = secured && summarize(secured);
  await session.close();
  return { ok: true, capabilities, steps, signedIn, ...(certificate ? { certificate } : {}) };
}

function summarize(secured: TLSSocket): CertificateSummary {
  const certificate = secured.getPeerCertificate();
  return {
    subject: nameOf(certificate.subject?.CN),
    issuer: nameOf(certificate.issuer?.O ?? certificate.issuer?.CN),
    names: certificateNames(certificate),
    validTo: new Date(certificate.valid_to).toISOString(),
    fingerprint: certificate.fingerprint256,
  };
}

function nameOf(value: string | string[] | undefined): string {
  return [value ?? ''].flat().join(', ');
}
