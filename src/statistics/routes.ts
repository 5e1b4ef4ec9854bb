import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type Route, route } from '../http/route.ts';
import type { Db } from '../storage/db.ts';
import { dailyCounts } from './count.ts';
import { type DailyCount, dayOf, dayText, MAX_DAYS, parseDay } from './statistic.ts';

/** Days that are shown when a call names none. */
const SHOWN_DAYS = 30;

const dayView = z.object({
  day: z.string().describe('YYYY-MM-DD, UTC'),
  server: z.string().nullable().describe('The id of the server; null where none took part.'),
  counts: z
    .record(z.string(), z.number())
    .describe(
      'How many messages came to a status on that day, by status; `deferred` counts attempts instead.',
    ),
});

export function statisticRoutes({ db, clock }: { db: Db; clock: Clock }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/stats/daily',
      access: 'viewer',
      tag: 'Statistics',
      summary: 'What became of messages, by day and server',
      query: z.strictObject({
        from: z.string().optional().describe(`YYYY-MM-DD, UTC; ${SHOWN_DAYS} days ago by default.`),
        to: z.string().optional().describe('YYYY-MM-DD, UTC; today by default.'),
      }),
      answers: {
        200: { description: 'Days with news, oldest first', schema: z.object({ data: z.array(dayView) }) },
      },
      handle: async ({ actor, query }) => {
        const to = query.to === undefined ? dayOf(clock.now()) : dayIn('to', query.to);
        const from = query.from === undefined ? to - SHOWN_DAYS + 1 : dayIn('from', query.from);
        checkSpan(from, to);
        return { body: { data: present(await dailyCounts(db, actor.workspaceId, from, to)) } };
      },
    }),
  ];
}

/** @throws AppError date_invalid */
function dayIn(field: string, text: string): number {
  const day = parseDay(text);
  if (day === undefined)
    throw new AppError('date_invalid', `${field} is a day such as 2026-11-25, not "${text.slice(0, 40)}".`, {
      field,
    });
  return day;
}

function checkSpan(from: number, to: number): void {
  if (from > to) throw new AppError('date_invalid', 'from lies after to. Swap them.', { field: 'from' });
  if (to - from >= MAX_DAYS)
    throw new AppError('date_invalid', `Ask for at most ${MAX_DAYS} days at once.`, { field: 'from' });
}

function present(counts: readonly DailyCount[]): z.output<typeof dayView>[] {
  const byDay = Map.groupBy(counts, ({ day, serverId }) => `${day} ${serverId}`);
  return [...byDay.values()].map((own) => ({
    day: dayText(own[0]!.day),
    server: own[0]!.serverId || null,
    counts: Object.fromEntries(own.map(({ word, count }) => [word, count])),
  }));
}
