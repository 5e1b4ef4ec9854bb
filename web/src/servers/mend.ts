import type { ApiError } from '../api.ts';
import { type ServerDraft, USUAL_PORT } from './draft.ts';

/** One button that mends what a check found: a change of the form, after which it is saved again. */
export interface Mend {
  /** What the button says. */
  label: string;
  change: Partial<ServerDraft>;
  /** The owner says that this private address is an own mail server. */
  allowPrivate?: true;
  /** What is asked before the button is pressed, where the button needs a person's word. */
  question?: string;
}

/** The way out of an error that the form itself can take, if there is one. */
export function mendOf(error: ApiError, draft: ServerDraft, ownHost: boolean): Mend | undefined {
  const { code, detail } = error;
  if (code === 'host_not_allowed') return detail.mayAllow === true ? allowPrivate(detail) : undefined;
  if (
    code === 'dns_temporary' ||
    code === 'auth_temporary' ||
    code === 'server_busy' ||
    code === 'unreachable'
  )
    return TRY_AGAIN;
  // A preset keeps host, port and encryption to itself: there is nothing to change about the way to it.
  if (!ownHost) return NOT_REACHED.test(code) ? TRY_AGAIN : undefined;
  return mendConnection(error, draft);
}

const NOT_REACHED = /^(dns_|connect_|network_|greeting_|closed_|connection_|tls_failed)/;
const TRY_AGAIN: Mend = { label: 'Try again', change: {} };
const STARTTLS_587: Mend = {
  label: 'Use port 587 with STARTTLS',
  change: { security: 'starttls', port: USUAL_PORT.starttls },
};
const SSL_465: Mend = { label: 'Use port 465 with SSL', change: { security: 'ssl', port: USUAL_PORT.ssl } };

function mendConnection({ code, detail }: ApiError, draft: ServerDraft): Mend | undefined {
  switch (code) {
    // The check found out what this very port speaks, so the port stays.
    case 'tls_mode_should_be_ssl':
      return { label: 'Switch to SSL', change: { security: 'ssl' } };
    case 'tls_mode_should_be_starttls':
    case 'auth_needs_tls':
      return { label: 'Switch to STARTTLS', change: { security: 'starttls' } };
    case 'plaintext_password':
      return STARTTLS_587;
    case 'auth_not_offered':
      return draft.security === 'none'
        ? { label: 'Switch to STARTTLS', change: { security: 'starttls' } }
        : { label: 'Connect without sign-in', change: { username: '', password: '' } };
    case 'starttls_missing':
      return SSL_465;
    case 'connect_refused':
    case 'connect_timeout':
    case 'port_not_smtp':
      return draft.port === USUAL_PORT.starttls ? SSL_465 : STARTTLS_587;
    case 'host_has_port':
      return hostAndPort(detail);
    case 'host_invalid':
      return typeof detail.suggestion === 'string'
        ? { label: `Use ${detail.suggestion}`, change: { host: detail.suggestion } }
        : undefined;
    default:
      return undefined;
  }
}

function allowPrivate({ address, host }: ApiError['detail']): Mend {
  return {
    label: 'Allow',
    question: `${address ?? host} is a private address. Is it your own mail server?`,
    change: {},
    allowPrivate: true,
  };
}

function hostAndPort({ host, port }: ApiError['detail']): Mend | undefined {
  if (typeof host !== 'string' || typeof port !== 'number') return undefined;
  return { label: `Use host ${host} and port ${port}`, change: { host, port: String(port) } };
}
