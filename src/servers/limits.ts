import { z } from 'zod';
import { coded } from '../http/validate.ts';

const MAX_LIMIT = 1_000_000_000;
const limit = coded(
  z
    .number({
      error: 'A limit is a whole number of messages, at least 1. To stop sending, remove the server.',
    })
    .int()
    .min(1)
    .max(MAX_LIMIT),
  'limit_invalid',
).nullish();

/** Our share of a server, in messages. Absent means no limit of ours. Held by pace.ts. */
export const limitsSchema = z.strictObject({
  perSecond: limit,
  perMinute: limit,
  perHour: limit,
  perDay: limit,
  perMonth: limit,
});

export type ServerLimits = z.output<typeof limitsSchema>;
