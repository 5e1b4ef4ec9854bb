import { AppError } from '../errors.ts';
import { type Accepted, type AcceptParts, type Draft, draft, type Scene, sceneOf } from './accept.ts';
import { once, type Replay } from './idempotency.ts';
import type { Intake, Refusal } from './intake.ts';
import type { MessageInput } from './message.ts';

export interface SendParts extends AcceptParts {
  intake: Intake;
}

/** Accepts one message. The promise resolves after the commit: what was answered is on disk. */
export function send(
  parts: SendParts,
  workspaceId: string,
  input: MessageInput,
  key: string | undefined,
  warnings: string[],
): Promise<Replay<Accepted>> {
  const now = parts.clock.now();
  return once(parts, { workspaceId, key, body: input, now }, async () => {
    return { drafts: [await draft(parts, await sceneOf(parts, workspaceId), input, warnings)] };
  });
}

export interface BatchResults {
  results: (Accepted | Refusal)[];
}

/** One message of a batch as far as it could be read, or why it could not. */
export type BatchEntry = { input: MessageInput; warnings: string[] } | AppError;

/** Accepts many at once: the good ones together in one transaction, the others (also those refused before) named one by one. */
export function sendBatch(
  parts: SendParts,
  workspaceId: string,
  entries: readonly BatchEntry[],
  key: string | undefined,
): Promise<Replay<BatchResults>> {
  const now = parts.clock.now();
  const body = entries.map((one) => (one instanceof AppError ? one : one.input));
  return once(parts, { workspaceId, key, body, now }, async () => {
    const scene = await sceneOf(parts, workspaceId);
    const drafts: (Draft | AppError)[] = [];
    for (const entry of entries)
      drafts.push(entry instanceof AppError ? entry : await draftOrError(parts, scene, entry));
    const good = drafts.filter((one): one is Draft => !(one instanceof AppError));
    return { drafts: good, batch: drafts.map((one) => (one instanceof AppError ? refusal(one) : null)) };
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

function refusal(error: AppError): Refusal {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.field === undefined ? {} : { field: error.field }),
    },
  };
}
