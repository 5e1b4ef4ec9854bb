import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Failure } from './failure.ts';
import { TIMEOUTS } from './timeouts.ts';

/** All addresses of a name, in the order to try them. Rejects with the codes of getaddrinfo. */
export type Lookup = (host: string) => Promise<string[]>;

export type Resolved = { ok: true; addresses: string[] } | { ok: false; failure: Failure };

interface ResolveOptions {
  lookup?: Lookup | undefined;
  timeoutMs?: number | undefined;
  /** Ends the wait for an answer. */
  cut?: AbortSignal | undefined;
}

const MAX_ADDRESSES = 16;

/** Looks a name up once. Whoever connects uses these addresses, so that a second answer cannot differ (rebinding). */
export async function resolveHost(
  host: string,
  { lookup = lookupAll, timeoutMs = TIMEOUTS.dns, cut }: ResolveOptions = {},
): Promise<Resolved> {
  if (isIP(host)) return { ok: true, addresses: [host] };
  if (!HOST_NAME.test(host)) return { ok: false, failure: { kind: 'dns_not_found' } };
  try {
    const addresses = await within(timeoutMs, lookup(host), cut);
    if (addresses.length > 0) return { ok: true, addresses: addresses.slice(0, MAX_ADDRESSES) };
    return { ok: false, failure: { kind: 'dns_not_found' } };
  } catch (thrown) {
    const { code = '' } = thrown as NodeJS.ErrnoException;
    return { ok: false, failure: { kind: NO_SUCH_NAME.has(code) ? 'dns_not_found' : 'dns_temporary' } };
  }
}

const HOST_NAME = /^[^\s\0@/:%]{1,255}$/;
const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA', 'ERR_INVALID_ARG_VALUE']);

async function lookupAll(host: string): Promise<string[]> {
  const found = await systemLookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** getaddrinfo cannot be called off; its answer is left to itself. */
function within<T>(timeoutMs: number, promise: Promise<T>, cut?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(Object.assign(new Error('lookup timed out'), { code: 'ETIMEOUT' }));
    const timer = setTimeout(giveUp, timeoutMs);
    cut?.addEventListener('abort', giveUp);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      cut?.removeEventListener('abort', giveUp);
    });
  });
}
