import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Asked } from './route.ts';
import { coded } from './validate.ts';

/** Shapes that routes of several rooms share. */
export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 200;

export const pageQuery = {
  limit: coded(
    z.coerce
      .number({ error: `limit is a whole number from 1 to ${MAX_PAGE}.` })
      .int()
      .min(1)
      .max(MAX_PAGE),
    'limit_invalid',
  )
    .optional()
    .describe(`How many a page has; ${DEFAULT_PAGE} by default.`),
  cursor: z.string().optional().describe('`nextCursor` of the page before.'),
};

export function page<T extends z.ZodType>(item: T) {
  return z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().describe('`cursor` of the next page; null on the last one.'),
  });
}

/** A cursor is the last id (or slug) of the page before it. @throws AppError cursor_invalid (400) */
export function checkCursor(cursor: string | undefined, form: RegExp): string | undefined {
  if (cursor !== undefined && !form.test(cursor)) {
    throw new AppError(
      'cursor_invalid',
      'This cursor is not from this list. Use nextCursor of its last page.',
      { status: 400, field: 'cursor' },
    );
  }
  return cursor;
}

/** Known clients do not encode the address: a plus is a plus, and a broken escape is an error of theirs, not a crash. */
export function addressInPath(request: Asked, segment: string): string {
  if (/%(?![0-9a-f]{2})/i.test(request.url.replace(/[?#].*$/, ''))) {
    throw new AppError(
      'address_invalid',
      'The address in the path has a broken % escape. Encode it, as ada%40example.com.',
      { status: 400, field: 'email' },
    );
  }
  return segment;
}

export const time = z.string().describe('ISO 8601, UTC');
export const nullableTime = time.nullable();

export const warningList = z
  .array(z.string())
  .describe('Sentences on what was accepted and may be a mistake.');
