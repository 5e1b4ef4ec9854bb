import type { Asked } from '../http/route.ts';

/** A session ends after this long without a call, and in any case after the second span (OWASP ASVS 5.0, 7.3). */
export const IDLE_MS = 12 * 60 * 60_000;
export const ABSOLUTE_MS = 30 * 24 * 60 * 60_000;
/** The last use is written at most this often, so that reading pages does not write. */
export const TOUCH_EVERY_MS = 60_000;

export const COOKIE = 'mailwright_session';

/**
 * The cookie works over plain http, since many installations live on a LAN address without a certificate; over https
 * it is `Secure`. The `__Host-` prefix would forbid the former.
 */
export function sessionCookie(token: string, secure: boolean): string {
  return `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${ABSOLUTE_MS / 1000}${secure ? '; Secure' : ''}`;
}

export function endedCookie(secure: boolean): string {
  return `${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0${secure ? '; Secure' : ''}`;
}

export function sessionToken(headers: Asked['headers']): string | undefined {
  for (const part of (headers.get('cookie') ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === COOKIE && value) return value;
  }
  return undefined;
}

/**
 * A call that changes something and rides on a cookie must come from our own pages. Browsers say so in
 * `Sec-Fetch-Site`; older ones send an Origin that must name this host.
 */
export function fromOwnPage(headers: Asked['headers']): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin' || site === 'none';
  const origin = headers.get('origin');
  return origin !== null && URL.canParse(origin) && new URL(origin).host === headers.get('host');
}
