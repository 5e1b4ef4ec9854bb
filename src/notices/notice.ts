/** What needs a person. Each kind is a next step: a sentence and a place in the app. */
export type NoticeKind = 'message_uncertain' | 'priority_expired' | 'server_attention' | 'server_blocklisted';

export const KINDS: readonly NoticeKind[] = [
  'message_uncertain',
  'priority_expired',
  'server_attention',
  'server_blocklisted',
];

/** Which notices are the same one: a thousand uncertain messages make one notice with a count. */
export interface NoticeGroup {
  workspaceId: string;
  kind: NoticeKind;
  /** A server's id; empty where the messages of the workspace are one group. */
  subject: string;
}

export interface Notice extends NoticeGroup {
  id: string;
  /** How often it happened since the notice was opened. */
  count: number;
  /** Of the server it is about, or that had the last of the messages. */
  name: string | null;
  /** The last one's, as a sentence. */
  reason: string | null;
  firstAt: number;
  lastAt: number;
  seenAt: number | null;
}

export function isAboutServer({ kind }: Pick<Notice, 'kind'>): boolean {
  return kind === 'server_attention' || kind === 'server_blocklisted';
}

const DAY_MS = 24 * 60 * 60_000;

/** A server that stays broken is looked at again every hour. Who has seen that is told once a day, not once an hour. */
export const QUIET_AFTER_SEEN_MS: Partial<Record<NoticeKind, number>> = {
  server_attention: DAY_MS,
  server_blocklisted: DAY_MS,
};

/** What happened, as one sentence. */
export function titleOf({ kind, count, name }: Pick<Notice, 'kind' | 'count' | 'name'>): string {
  const many = (one: string, more: string) =>
    count === 1 ? one : `${count.toLocaleString('en-US')} ${more}`;
  const server = name ?? 'A server';
  switch (kind) {
    case 'message_uncertain':
      return many(
        'A message is uncertain: it may have gone out.',
        'messages are uncertain: they may have gone out.',
      );
    case 'priority_expired':
      return many(
        'A high-priority message expired before it could be sent.',
        'high-priority messages expired before they could be sent.',
      );
    case 'server_attention':
      return `${server} has stopped and needs you.`;
    case 'server_blocklisted':
      return `${server} is on a block list.`;
  }
}

/** What to do about it, as one sentence. */
export function nextStepOf(kind: NoticeKind): string {
  return NEXT_STEPS[kind];
}

const NEXT_STEPS: Record<NoticeKind, string> = {
  message_uncertain: 'Decide: send again, or mark as sent. Nothing is sent again by itself.',
  priority_expired: 'See what kept them, and send again what is still wanted.',
  server_attention: 'Open the server, correct what it says, and save. Its messages wait.',
  server_blocklisted: 'Ask whoever runs the server to have its address delisted. Its messages wait.',
};

/** Where that is done, as a path of the app. */
export function linkOf({ kind, subject }: Pick<Notice, 'kind' | 'subject'>): string {
  switch (kind) {
    case 'message_uncertain':
      return '/messages?status=uncertain';
    case 'priority_expired':
      return '/messages?status=expired';
    case 'server_attention':
    case 'server_blocklisted':
      return `/settings/email-servers/${encodeURIComponent(subject)}`;
  }
}
