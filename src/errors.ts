/**
 * An error that a caller can act on: a stable code, a sentence that says what to do, and the field it is about.
 * `http/errors.ts` turns the code into a status; everything that is not an AppError is a bug and answers 500.
 */
export class AppError extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly detail: Record<string, unknown> | undefined;
  /** The HTTP status when it is not 422, the status of a value that is wrong. */
  readonly status: number;

  constructor(
    code: string,
    message: string,
    more: {
      field?: string | undefined;
      detail?: Record<string, unknown> | undefined;
      status?: number;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AppError';
    this.code = code;
    this.field = more.field;
    this.detail = more.detail;
    this.status = more.status ?? 422;
  }
}

/** A thing that does not exist in this workspace. Another workspace's id is answered the same way. */
export function notFound(what: string, message: string, field?: string): AppError {
  return new AppError(`${what}_not_found`, message, { status: 404, field });
}

/** The text of anything thrown, for log lines. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Space that a person must make; a caller can only come back. */
export const DISK_RETRY_SECONDS = 60;

/** The database is away for a moment. Whether the call was stored is not known: its answer may have been lost. */
export function databaseUnavailable(): AppError {
  return new AppError(
    'database_unavailable',
    'The database does not answer right now. Repeat the call in a moment, with the same Idempotency-Key where it has one.',
    { status: 503, detail: { retryAfterSeconds: 2 } },
  );
}

/** No room to store what was asked. */
export function diskFull(): AppError {
  return new AppError(
    'disk_full',
    'The disk of this Mailwright is nearly full, so nothing more is accepted. Free some space; it goes on by itself.',
    { status: 503, detail: { retryAfterSeconds: DISK_RETRY_SECONDS } },
  );
}
