import type { Tone } from '../ui/notice.tsx';
import type { MessageRecordView } from './queries.ts';

type Attempt = MessageRecordView['attempts'][number];
type Route = NonNullable<MessageRecordView['route']>;
type RecordedEvent = MessageRecordView['events'][number];

/** One entry of a message's story. */
export interface TimelineEntry {
  key: string;
  /** When it happened; null for what follows from the entry before it. */
  at: string | null;
  title: string;
  tone: Tone;
  lines: string[];
  /** Small words beside the title: the stage of the session, the stable code, the duration. */
  tags: string[];
  /** The server's own words. */
  reply: string | null;
}

/** Accepted, routed (why, and why not the others), each attempt, and what came of it. */
export function timelineOf(message: MessageRecordView): TimelineEntry[] {
  const attempts = message.attempts.filter((attempt) => attempt.server !== null);
  const told = [
    ...attempts.map((attempt) => ({ at: attempt.at, entry: attemptEntry(attempt) })),
    ...message.events.flatMap((event) => {
      const entry = eventEntry(event, message);
      return entry ? [{ at: event.at, entry }] : [];
    }),
  ].sort((a, b) => a.at.localeCompare(b.at));
  const entries = [acceptedEntry(message), ...told.map(({ entry }) => entry), ...decisionEntry(message)];
  const route = message.route && routeEntry(message, message.route);
  return route ? entries.toSpliced(routePlace(entries, message), 0, route) : entries;
}

/** The routing that is kept is the newest: it stands before the attempt it led to, or last while it led to none. */
function routePlace(entries: TimelineEntry[], { route, attempts }: MessageRecordView): number {
  const last = attempts.at(-1);
  if (!last) return 1;
  return route?.chosen === last.server
    ? entries.findIndex((entry) => entry.key === keyOf(last))
    : entries.length;
}

const TYPES: Record<string, string> = {
  transactional: 'It came over the API.',
  test: 'It is a test.',
  announcement: 'It belongs to an announcement.',
  automation: 'An automation made it.',
};

function acceptedEntry(message: MessageRecordView): TimelineEntry {
  const lines = [
    TYPES[message.type] ?? '',
    ...(message.possibleDuplicate ? ['It was sent again by a person and may be a second copy.'] : []),
  ];
  return entryOf({
    key: 'accepted',
    at: message.createdAt,
    title: 'Stored by Mailwright',
    lines: lines.filter(Boolean),
  });
}

function routeEntry(
  { reason, finalAt, attempts }: MessageRecordView,
  { chosen, mode, candidates }: Route,
): TimelineEntry {
  const name = candidates.find((one) => one.server === chosen)?.name ?? chosen;
  const waits = attempts.at(-1)?.server !== chosen && finalAt === null && reason ? [reason] : [];
  const others = candidates
    .filter((one) => one.server !== chosen && one.reasons.length > 0)
    .map((one) => `Not ${one.name}: ${one.reasons.join(' ')}`);
  const routed = { key: 'route', title: `Routed to ${name}` };
  switch (mode) {
    case 'sandbox':
      return entryOf({
        key: 'route',
        title: 'Kept in the sandbox',
        tone: 'captured',
        lines: ['No server was connected when it came.'],
      });
    case 'none':
      return entryOf({
        key: 'route',
        title: 'Waits for a server',
        tone: 'deferred',
        lines: [...waits, ...others],
      });
    case 'preferred':
      return entryOf({
        ...routed,
        lines: ['The template or the call asks for this server.', ...waits, ...others],
      });
    default:
      return entryOf({ ...routed, lines: [drawWords(candidates), ...waits, ...others] });
  }
}

const names = new Intl.ListFormat('en-US');

function drawWords(candidates: Route['candidates']): string {
  const eligible = candidates.filter((one) => one.eligible).map((one) => one.name);
  return eligible.length > 1
    ? `Drawn at random among ${names.format(eligible)}.`
    : 'It is the only server that may carry it.';
}

/** What a person decided about an uncertain message. */
function decisionEntry({ code, reason, finalAt }: MessageRecordView): TimelineEntry[] {
  if (code !== 'resolved_sent') return [];
  return [
    entryOf({
      key: 'decision',
      at: finalAt,
      title: 'Marked as sent',
      tone: 'sent',
      lines: reason ? [reason] : [],
    }),
  ];
}

/** How an attempt ended, by its class (docs/smtp-outcomes.md). */
const OUTCOMES: Record<string, { word: string; tone: Tone }> = {
  accepted: { word: 'accepted it', tone: 'sent' },
  recipient_permanent: { word: 'refused the recipient', tone: 'bounced' },
  recipient_temporary: { word: 'put the recipient off', tone: 'deferred' },
  message_permanent: { word: 'refused the message', tone: 'failed' },
  server_deferral: { word: 'put it off', tone: 'deferred' },
  server_attention: { word: 'needs attention', tone: 'deferred' },
  network: { word: 'was not reached', tone: 'deferred' },
  uncertain: { word: 'did not confirm it', tone: 'uncertain' },
  local: { word: 'was not called', tone: 'deferred' },
};

function attemptEntry(attempt: Attempt): TimelineEntry {
  const { word, tone } = OUTCOMES[attempt.outcome] ?? { word: attempt.outcome, tone: 'waiting' };
  const accepted = attempt.outcome === 'accepted';
  return entryOf({
    key: keyOf(attempt),
    at: attempt.at,
    title: `${attempt.serverName ?? attempt.server} ${word}`,
    tone,
    lines: accepted ? [] : [attempt.reason],
    tags: [
      ...(accepted ? [] : [attempt.stage, attempt.code]),
      `${attempt.durationMs.toLocaleString('en-US')} ms`,
    ],
    reply: attempt.reply,
  });
}

function keyOf(attempt: Attempt): string {
  return `attempt ${attempt.at} ${attempt.server}`;
}

/** Events that an attempt has told already, or that open the story. */
const TOLD = new Set([
  'message.accepted',
  'message.sent',
  'message.deferred',
  'message.bounced',
  'message.uncertain',
]);

const EVENTS: Record<string, { title: string; tone: Tone }> = {
  'message.captured': { title: 'Captured in the sandbox', tone: 'captured' },
  'message.failed': { title: 'Failed', tone: 'failed' },
  'message.blocked': { title: 'Blocked', tone: 'stopped' },
  'message.cancelled': { title: 'Canceled', tone: 'stopped' },
  'message.expired': { title: 'Expired', tone: 'failed' },
  'message.delivered': { title: 'Delivered', tone: 'delivered' },
};

function eventEntry(event: RecordedEvent, message: MessageRecordView): TimelineEntry | undefined {
  if (TOLD.has(event.type)) return undefined;
  if (
    event.type === 'message.failed' &&
    message.attempts.some((attempt) => attempt.outcome === 'message_permanent')
  )
    return undefined;
  const { title, tone } = EVENTS[event.type] ?? { title: event.type, tone: 'waiting' };
  const final = event.type === `message.${message.status}`;
  return entryOf({
    key: event.id,
    at: event.at,
    title,
    tone,
    lines: final && message.reason && event.type !== 'message.captured' ? [message.reason] : [],
  });
}

function entryOf(given: Pick<TimelineEntry, 'key' | 'title'> & Partial<TimelineEntry>): TimelineEntry {
  return { at: null, tone: 'waiting', lines: [], tags: [], reply: null, ...given };
}
