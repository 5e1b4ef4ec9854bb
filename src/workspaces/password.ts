import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';

/** OWASP's minimum for argon2id (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const PARALLELISM = 1;
const TAG_BYTES = 32;
/** Each hash holds 19 MiB and a thread; a flood of logins waits its turn instead. */
const MAX_PARALLEL_HASHES = 2;

export const MIN_PASSWORD = 8;
export const MAX_PASSWORD_BYTES = 1024;
/** What attackers try first; anything in here falls within seconds. */
const COMMON = new Set(
  '12345678 123456789 1234567890 password password1 password123 passw0rd qwertyui qwerty123 qwertyuiop 11111111 00000000 iloveyou sunshine princess football baseball superman trustno1 letmein1 welcome1 admin123 administrator changeme mailwright'.split(
    ' ',
  ),
);

/** @throws AppError password_required, password_too_short, password_too_long, password_common */
export function checkPassword(password: string): void {
  const refuse = (code: string, message: string) => new AppError(code, message, { field: 'password' });
  if (password === '') throw refuse('password_required', 'Choose a password.');
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
    throw refuse('password_too_long', `Use at most ${MAX_PASSWORD_BYTES} bytes.`);
  if ([...password].length < MIN_PASSWORD)
    throw refuse('password_too_short', `Use at least ${MIN_PASSWORD} characters.`);
  if (COMMON.has(password.toLowerCase()))
    throw refuse('password_common', "This password is on every attacker's list. Choose another.");
}

/** argon2id as a PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await digest(password, salt, MEMORY_KIB, PASSES, PARALLELISM);
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${PARALLELISM}$${text(salt)}$${text(tag)}`;
}

/** A hash nobody knows the password of: an unknown user costs as long as a wrong password. */
const DECOY = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${PARALLELISM}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(stored ?? DECOY);
  if (!parts) return false;
  const [, memory, passes, lanes, salt, tag] = parts;
  const wanted = Buffer.from(tag!, 'base64');
  const found = await digest(
    password,
    Buffer.from(salt!, 'base64'),
    Number(memory),
    Number(passes),
    Number(lanes),
  );
  return timingSafeEqual(wanted, found) && stored !== undefined;
}

let running = 0;
const queue: (() => void)[] = [];

async function digest(
  password: string,
  nonce: Buffer,
  memory: number,
  passes: number,
  parallelism: number,
): Promise<Buffer> {
  if (running >= MAX_PARALLEL_HASHES) await new Promise<void>((go) => queue.push(go));
  running++;
  try {
    const parameters: Argon2Parameters = {
      message: password.normalize('NFKC'),
      nonce,
      parallelism,
      tagLength: TAG_BYTES,
      memory,
      passes,
    };
    return await new Promise((resolve, reject) =>
      argon2('argon2id', parameters, (error, tag) => (error ? reject(error) : resolve(tag))),
    );
  } finally {
    running--;
    queue.shift()?.();
  }
}
