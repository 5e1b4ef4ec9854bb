import { AppError } from '../errors.ts';
import { type Accepted, type AcceptParts, type Draft, draft, type Scene, sceneOf, store } from './accept.ts';
import { once, type Replay } from './idempotency.ts';
import type { MessageInput } from './message.ts';

/** Accepts one message. The promise resolves after the commit: what was answered is on disk. */
export async function send(
  parts: AcceptParts,
  workspaceId: string,
  input: MessageInput,
  key: string | undefined,
  warnings: string[],
): Promise<Replay<Accepted>> {
  const now = parts.clock.now();
  return once(parts.db, { workspaceId, key, body: input, now }, async () => {
    const made = await draft(parts, await sceneOf(parts, workspaceId), input, warnings);
    return async (tx) => (await store(tx, [made], now))[0]!;
  });
}

export interface BatchResults {
  results: (Accepted | { error: { code: string; message: string; field?: string } })[];
}

/** One message of a batch as far as it could be read, or why it could not. */
export type BatchEntry = { input: MessageInput; warnings: string[] } | AppError;

/** Accepts many at once: the good ones together in one transaction, the others (also those refused before) named one by one. */
export async function sendBatch(
  parts: AcceptParts,
  workspaceId: string,
  entries: readonly BatchEntry[],
  key: string | undefined,
): Promise<Replay<BatchResults>> {
  const now = parts.clock.now();
  const body = entries.map((one) => (one instanceof AppError ? one : one.input));
  return once(parts.db, { workspaceId, key, body, now }, async () => {
    const scene = await sceneOf(parts, workspaceId);
    const drafts: (Draft | AppError)[] = [];
    for (const entry of entries)
      drafts.push(entry instanceof AppError ? entry : await draftOrError(parts, scene, entry));
    const good = drafts.filter((one): one is Draft => !(one instanceof AppError));
    return async (tx) => {
      const accepted = await store(tx, good, now);
      return { results: drafts.map((one) => (one instanceof AppError ? refusal(one) : accepted.shift()!)) };
    };
  });
}

async function draftOrError(
  parts: AcceptParts,
  scene: Scene,
  { input, warnings }: Exclude<BatchEntry, AppError>,
): Promise<Draft | AppError> {
  try {
    return await draft(parts, scene, input, warnings);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function refusal(error: AppError): BatchResults['results'][number] {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.field === undefined ? {} : { field: error.field }),
    },
  };
}
