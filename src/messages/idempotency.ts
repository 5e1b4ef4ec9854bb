import { iso } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Asked } from '../http/route.ts';
import { sha256 } from '../ids.ts';
import type { Db, Tx } from '../storage/db.ts';
import { type Intake, type Intent, store, TAKEN } from './intake.ts';
import { deleteIdempotencyKeys, idempotencyKey } from './store.ts';

/** How long a key answers with its first result. */
export const KEPT_MS = 7 * 24 * 60 * 60_000;

/** The Idempotency-Key of a call (IETF draft-ietf-httpapi-idempotency-key-header). @throws AppError idempotency_key_invalid (400) */
export function checkIdempotencyKey(headers: Asked['headers']): string | undefined {
  const key = headers.get('idempotency-key');
  if (key === null) return undefined;
  if (!/^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)) {
    throw new AppError(
      'idempotency_key_invalid',
      'An Idempotency-Key has 1 to 255 printable ASCII characters.',
      { status: 400, field: 'Idempotency-Key' },
    );
  }
  return key;
}

/** The same body whatever the order of its keys. */
export function bodyHash(body: unknown): string {
  return sha256(JSON.stringify(sorted(body)));
}

/** Recursion is bounded by the depth that a body may have. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted((value as Record<string, unknown>)[name])]));
}

export interface Replay<T> {
  replayed: boolean;
  response: T;
}

interface KeyedCall {
  workspaceId: string;
  key: string | undefined;
  body: unknown;
  now: number;
}

/** What a call is to store, without its key. */
export type Prepared = Pick<Intent, 'drafts' | 'batch'>;

/**
 * Does the work of a call once for its key; a second call with the same body gets the first one's answer. `prepare`
 * checks the call; what it returns is stored together with the key, or neither.
 * @throws AppError idempotency_key_reused (422) when the body differs, idempotency_in_progress (409) while the first runs
 */
export async function once<T>(
  { db, intake }: { db: Db; intake: Intake },
  call: KeyedCall,
  prepare: () => Promise<Prepared>,
): Promise<Replay<T>> {
  const { workspaceId, key, now } = call;
  if (key === undefined) {
    const response = await store(intake, { ...(await prepare()), workspaceId, now });
    return { replayed: false, response: response as T };
  }
  const hash = bodyHash(call.body);
  const place = `${workspaceId} ${key}`;
  const running = runningIn(db);
  for (let first = running.get(place); first; first = running.get(place)) {
    if (first.hash === hash) throw inProgress();
    // Another body is refused by what the first one stores, or is the first itself when that one is refused.
    await first.ended;
  }
  const work = keyed<T>({ db, intake }, { ...call, key }, hash, prepare);
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  running.set(place, { hash, ended });
  return work.finally(() => running.delete(place));
}

/** The calls with a key that this process works on; what other processes do is decided where the key is stored. */
const runningCalls = new WeakMap<Db, Map<string, { hash: string; ended: Promise<void> }>>();

function runningIn(db: Db) {
  const known = runningCalls.get(db) ?? new Map<string, { hash: string; ended: Promise<void> }>();
  runningCalls.set(db, known);
  return known;
}

async function keyed<T>(
  { db, intake }: { db: Db; intake: Intake },
  { workspaceId, key, now }: KeyedCall & { key: string },
  hash: string,
  prepare: () => Promise<Prepared>,
): Promise<Replay<T>> {
  const before = await replay<T>(db, workspaceId, key, hash);
  if (before) return before;
  const prepared = await prepare();
  const response = await store(intake, { ...prepared, workspaceId, now, key: { key, bodyHash: hash } });
  if (response !== TAKEN) return { replayed: false, response: response as T };
  // Another process stored the same key meanwhile: its commit is what this one waited for.
  return (await replay<T>(db, workspaceId, key, hash))!;
}

/** The answer an earlier call with this key got. */
async function replay<T>(
  db: Db,
  workspaceId: string,
  key: string,
  hash: string,
): Promise<Replay<T> | undefined> {
  const known = await idempotencyKey(db.read, workspaceId, key);
  if (!known) return undefined;
  if (known.bodyHash !== hash) throw reused(known.createdAt, known.response);
  await stored(db);
  return { replayed: true, response: JSON.parse(known.response) };
}

/** What was read may be committed and not on the disk yet, or never: a transaction that stands behind it tells. */
function stored(db: Db): Promise<void> {
  return db.write(async () => {});
}

export function forgetOldKeys(tx: Tx, now: number): Promise<void> {
  return deleteIdempotencyKeys(tx, now - KEPT_MS);
}

function inProgress(): AppError {
  return new AppError(
    'idempotency_in_progress',
    'The first call with this Idempotency-Key is still running. Repeat this one in a second to get its answer.',
    { status: 409, field: 'Idempotency-Key', detail: { retryAfterSeconds: 1 } },
  );
}

function reused(firstAt: number, response: string): AppError {
  const id = firstId(JSON.parse(response));
  const what = id === null ? '' : ` for ${id}`;
  return new AppError(
    'idempotency_key_reused',
    `This Idempotency-Key was used at ${iso(firstAt)}${what} with another body. Use a new key for a new message.`,
    { field: 'Idempotency-Key', detail: { firstAt: iso(firstAt), id } },
  );
}

/** Of a batch, the first message that was accepted. */
function firstId(response: { id?: string; results?: { id?: string }[] }): string | null {
  return response.id ?? response.results?.find((one) => one.id !== undefined)?.id ?? null;
}
