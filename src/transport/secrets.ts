import type { Reply } from './reply.ts';

/** Shorter secrets would blot out half of an innocent sentence. */
const MIN_MASKED = 4;
const MASK = '***';

/** Every form in which the credentials cross the wire; a server that echoes one must not reach a log. */
export function wireSecrets(username: string | undefined, password: string | undefined): string[] {
  if (password === undefined) return [];
  const forms = [plainResponse(username ?? '', password), base64(password), password];
  return forms.filter((form) => form.length >= MIN_MASKED);
}

/** The response of AUTH PLAIN (RFC 4616 §2). */
export function plainResponse(username: string, password: string): string {
  return base64(`\0${username}\0${password}`);
}

export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

export function maskReply(reply: Reply, secrets: string[]): Reply {
  if (secrets.length === 0) return reply;
  return { code: reply.code, lines: reply.lines.map((line) => mask(line, secrets)) };
}

function mask(text: string, secrets: string[]): string {
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}
