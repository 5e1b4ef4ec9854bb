import { AppError, databaseUnavailable, diskFull, errorText } from '../errors.ts';
import type { Log } from '../log.ts';

export interface ErrorBody {
  error: { code: string; message: string; field?: string; detail?: Record<string, unknown> };
}

/** An answer as it goes to the socket. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Turns anything thrown into the one form of error answers. What is not an AppError is a bug: logged, never shown. */
export function errorAnswer(thrown: unknown, requestId: string, log: Log): Answer {
  const error =
    thrown instanceof AppError
      ? thrown
      : (outOfSpace(thrown) ?? databaseAway(thrown, requestId, log) ?? internal(thrown, requestId, log));
  const body: ErrorBody = {
    error: {
      code: error.code,
      message: error.message,
      ...(error.field === undefined ? {} : { field: error.field }),
      ...(error.detail === undefined ? {} : { detail: error.detail }),
    },
  };
  const headers: Record<string, string> = { 'x-request-id': requestId };
  if (error.status === 401) headers['www-authenticate'] = 'Bearer';
  const retryAfter = error.detail?.retryAfterSeconds;
  if (typeof retryAfter === 'number') headers['retry-after'] = String(retryAfter);
  return jsonAnswer(body, error.status, headers);
}

export function jsonAnswer(body: unknown, status: number, headers: Record<string, string>): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

export function responseOf({ body, ...init }: Answer): Response {
  return new Response(body, init);
}

export function errorResponse(thrown: unknown, requestId: string, log: Log): Response {
  return responseOf(errorAnswer(thrown, requestId, log));
}

/** What SQLite and PostgreSQL (class 53, insufficient resources) say when a write found no room. */
const FULL_CODES = ['SQLITE_FULL', '53100'];

function outOfSpace(thrown: unknown): AppError | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return FULL_CODES.some((one) => one === code) ? diskFull() : undefined;
}

/**
 * What pg and PostgreSQL say while the server restarts or cannot be reached (classes 08 and 57P), and SQLite while
 * another program keeps the file.
 */
const AWAY_CODES = /^(ECONN(REFUSED|RESET)|EPIPE|ETIMEDOUT|ENOTFOUND|08\w{3}|57P0\d|SQLITE_BUSY\w*)$/;
const AWAY_WORDS = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;

function databaseAway(thrown: unknown, requestId: string, log: Log): AppError | undefined {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  if (!AWAY_CODES.test(String(code)) && !AWAY_WORDS.test(String(message))) return undefined;
  log.error({ requestId, error: errorText(thrown) }, 'the database did not answer');
  return databaseUnavailable();
}

function internal(thrown: unknown, requestId: string, log: Log): AppError {
  log.error(
    { requestId, error: errorText(thrown), stack: thrown instanceof Error ? thrown.stack : undefined },
    'a request failed unexpectedly',
  );
  return new AppError('internal_error', `This is a fault in Mailwright. Look for ${requestId} in its log.`, {
    status: 500,
  });
}
