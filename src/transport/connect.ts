import { connect, type Socket } from 'node:net';
import { type FailureKind, fail, type Stop } from './failure.ts';

export interface Connected {
  socket: Socket;
  ip: string;
}

/**
 * A TCP connection to the first address that takes one, tried in turn within `timeoutMs` altogether. `cut` ends it,
 * also when it is open.
 * @throws Stop at `connect`, with what the last address answered
 */
export async function connectToOne(
  addresses: string[],
  port: number,
  timeoutMs: number,
  cut?: AbortSignal,
): Promise<Connected> {
  let failed: Stop | undefined;
  for (const ip of addresses) {
    try {
      return { ip, socket: await connectTo(ip, port, timeoutMs / addresses.length, cut) };
    } catch (thrown) {
      const kind = KINDS[(thrown as NodeJS.ErrnoException).code ?? ''] ?? 'closed';
      failed = fail('connect', kind, { ip, seconds: Math.round(timeoutMs / 1000) });
    }
  }
  throw failed ?? fail('dns', 'dns_not_found');
}

const KINDS: Record<string, FailureKind> = {
  ECONNREFUSED: 'connect_refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'network_unreachable',
  ENETUNREACH: 'network_unreachable',
  EADDRNOTAVAIL: 'network_unreachable',
  EACCES: 'network_unreachable', // a local firewall
  EPERM: 'network_unreachable',
};

/** One TCP connection without Nagle's delay. Rejects with the error of the system, `ETIMEDOUT` after `timeoutMs`. */
export function connectTo(
  ip: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port, noDelay: true, ...(signal && { signal }) });
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connecting timed out'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
  });
}
