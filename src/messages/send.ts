import { AppError } from '../errors.ts';
import {
  type Accepted,
  type AcceptParts,
  type Draft,
  draft,
  refuseLargeBatch,
  type Scene,
  sceneOf,
  store,
} from './accept.ts';
import { bodyHash, once, type Replay, replay } from './idempotency.ts';
import type { MessageInput } from './message.ts';

/** Accepts one message. The promise resolves after the commit: what was answered is on disk. */
export async function send(
  parts: AcceptParts,
  workspaceId: string,
  input: MessageInput,
  key: string | undefined,
  warnings: string[],
): Promise<Replay> {
  const hash = key === undefined ? '' : bodyHash(input);
  const before = key === undefined ? undefined : await replay(parts.db.read, workspaceId, key, hash);
  if (before) return before;
  const made = await draft(parts, await sceneOf(parts, workspaceId), input, warnings);
  const now = parts.clock.now();
  return parts.db.write(async (tx) => {
    const act = async () => (await store(tx, [made], now))[0]!;
    return key === undefined
      ? { replayed: false, response: await act() }
      : once(tx, workspaceId, key, hash, now, act);
  });
}

export type BatchResult =
  | Pick<Accepted, 'id' | 'status'>
  | { error: { code: string; message: string; field?: string } };

/** Accepts many at once: the good ones together in one transaction, the others (also those refused before) named one by one. */
export async function sendBatch(
  parts: AcceptParts,
  workspaceId: string,
  inputs: readonly (MessageInput | AppError)[],
  key: string | undefined,
): Promise<Replay> {
  refuseLargeBatch(inputs);
  const hash = key === undefined ? '' : bodyHash(inputs);
  const before = key === undefined ? undefined : await replay(parts.db.read, workspaceId, key, hash);
  if (before) return before;
  const scene = await sceneOf(parts, workspaceId);
  const drafts: (Draft | AppError)[] = [];
  for (const input of inputs)
    drafts.push(input instanceof AppError ? input : await draftOrError(parts, scene, input));
  const now = parts.clock.now();
  return parts.db.write(async (tx) => {
    const act = async () => {
      const accepted = await store(
        tx,
        drafts.filter((one): one is Draft => !(one instanceof AppError)),
        now,
      );
      return { results: drafts.map((one) => (one instanceof AppError ? refusal(one) : accepted.shift()!)) };
    };
    return key === undefined
      ? { replayed: false, response: await act() }
      : once(tx, workspaceId, key, hash, now, act);
  });
}

async function draftOrError(
  parts: AcceptParts,
  scene: Scene,
  input: MessageInput,
): Promise<Draft | AppError> {
  try {
    return await draft(parts, scene, input, []);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function refusal(error: AppError): BatchResult {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.field === undefined ? {} : { field: error.field }),
    },
  };
}
