import { z } from 'zod';
import { type Clock, iso } from '../clock.ts';
import { type Route, route } from '../http/route.ts';
import { nullableTime, page, time } from '../http/shapes.ts';
import type { Db } from '../storage/db.ts';
import { isAboutServer, KINDS, linkOf, nextStepOf, titleOf } from './notice.ts';
import { type ListedNotice, listNotices, noticeSeen } from './notify.ts';

const noticeView = z.object({
  id: z.string(),
  kind: z.enum(KINDS).describe('What it is about: a stable word.'),
  title: z.string().describe('What happened, as a sentence.'),
  nextStep: z.string().describe('What to do, as a sentence.'),
  link: z.string().describe('Where that is done: a path of the web app.'),
  count: z.number().describe('How often it happened since `firstAt`.'),
  server: z.string().nullable().describe('The id of the server it is about.'),
  name: z.string().nullable().describe('The name of that server, or of the last one that was involved.'),
  reason: z.string().nullable().describe('The reason of the last one, as a sentence.'),
  open: z.boolean().describe('It waits for somebody to see it.'),
  over: z.boolean().describe('What it tells is no longer so.'),
  firstAt: time,
  lastAt: time,
  seenAt: nullableTime,
});
export type NoticeView = z.output<typeof noticeView>;

export function noticeRoutes({ db, clock }: { db: Db; clock: Clock }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/notices',
      access: 'viewer',
      tag: 'Notices',
      summary: 'What needs a person, open notices first; one for each kind and server',
      answers: { 200: { description: 'The notices', schema: page(noticeView) } },
      handle: async ({ actor }) => ({
        body: { data: (await listNotices(db, actor.workspaceId)).map(view), nextCursor: null },
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/notices/:id/seen',
      access: 'editor',
      tag: 'Notices',
      summary: 'Mark a notice as seen; it comes back when it happens again',
      answers: { 204: { description: 'Seen' } },
      handle: async ({ actor, params }) => {
        await noticeSeen(db, actor.workspaceId, params.id!, clock.now());
        return { status: 204 };
      },
    }),
  ];
}

function view(one: ListedNotice): NoticeView {
  return {
    id: one.id,
    kind: one.kind,
    title: titleOf(one),
    nextStep: nextStepOf(one.kind),
    link: linkOf(one),
    count: one.count,
    server: isAboutServer(one) ? one.subject : null,
    name: one.name,
    reason: one.reason,
    open: one.seenAt === null && !one.over,
    over: one.over,
    firstAt: iso(one.firstAt),
    lastAt: iso(one.lastAt),
    seenAt: one.seenAt === null ? null : iso(one.seenAt),
  };
}
