import { eventsOf } from './event-stream.ts';

/** An answer that is not a success: a stable code, a sentence that says what to do, the field it is about. */
export class ApiError extends Error {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly detail: Record<string, unknown>;

  constructor(status: number, body: Partial<ErrorBody['error']>) {
    super(
      body.message ?? `Mailwright answered with status ${status} and no explanation. Its log has the cause.`,
    );
    this.name = 'ApiError';
    this.status = status;
    this.code = body.code ?? 'unexplained';
    this.field = body.field;
    this.detail = body.detail ?? {};
  }
}

/** One page of a list. */
export interface Listed<Item> {
  data: Item[];
  nextCursor: string | null;
}

/** @throws ApiError */
export function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>('GET', path, undefined, signal);
}

/** @throws ApiError */
export async function call<Answer>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  return answerOf<Answer>(await send(method, path, body, 'application/json', signal));
}

/**
 * A call that reports its steps while it works. Refusals that need no work come as an ordinary error answer.
 * @throws ApiError
 */
export async function stream<Step, Answer>(
  method: Method,
  path: string,
  body: unknown,
  onStep: (step: Step) => void,
): Promise<Answer> {
  const response = await send(method, path, body, 'text/event-stream');
  const streaming = response.headers.get('content-type')?.startsWith('text/event-stream');
  if (!streaming || !response.body) return answerOf<Answer>(response);
  try {
    for await (const event of eventsOf(response.body)) {
      if (event.type === 'step') onStep(JSON.parse(event.data) as Step);
      if (event.type === 'done') return JSON.parse(event.data) as Answer;
      if (event.type === 'error') throw new ApiError(422, (JSON.parse(event.data) as ErrorBody).error);
    }
  } catch (thrown) {
    throw thrown instanceof ApiError ? thrown : unreachable();
  }
  throw unreachable();
}

/** The query string of what is set, with its question mark, or nothing. */
export function query(values: Record<string, string | number | undefined>): string {
  const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return set.length === 0 ? '' : `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface ErrorBody {
  error: { code: string; message: string; field?: string; detail?: Record<string, unknown> };
}

async function send(
  method: Method,
  path: string,
  body: unknown,
  accept: string,
  signal?: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: { accept, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw unreachable();
  }
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as Answer;
  throw new ApiError(response.status, (body as ErrorBody | undefined)?.error ?? {});
}

function unreachable(): ApiError {
  return new ApiError(0, {
    code: 'unreachable',
    message: 'Mailwright does not answer. Check that it is running and that you are online, then try again.',
  });
}
