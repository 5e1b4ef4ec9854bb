import { describe, expect, test } from 'vitest';
import { createLog } from '../log.ts';
import { errorResponse } from './errors.ts';

const answer = async (thrown: unknown) => {
  const response = errorResponse(thrown, 'req_1', createLog('silent'));
  const body = (await response.json()) as { error: { code: string } };
  return { status: response.status, code: body.error.code, retryAfter: response.headers.get('retry-after') };
};
const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('a database that is away', () => {
  test.each([
    ['nobody listens', withCode('ECONNREFUSED')],
    ['it is shutting down', withCode('57P01')],
    ['it is starting up', withCode('57P03')],
    ['the connection broke', new Error('Connection terminated unexpectedly')],
    ['no connection in time', new Error('timeout exceeded when trying to connect')],
    ['another program keeps the file', withCode('SQLITE_BUSY')],
  ])('is no fault of the call: %s', async (_, thrown) => {
    expect(await answer(thrown)).toEqual({ status: 503, code: 'database_unavailable', retryAfter: '2' });
  });

  test.each([
    ['a bug', new TypeError('x is not a function')],
    ['a broken rule of the schema', withCode('23505')],
    ['nothing at all', undefined],
  ])('is not: %s', async (_, thrown) => {
    expect(await answer(thrown)).toMatchObject({ status: 500, code: 'internal_error' });
  });
});
