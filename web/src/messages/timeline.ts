import type { Tone } from '../ui/notice.tsx';
import type { MessageRecordView } from './queries.ts';

type Attempt = MessageRecordView['attempts'][number];
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
  const told = [
    ...message.attempts
      .filter((attempt) => attempt.server !== null)
      .map((attempt) => ({ at: attempt.at, entry: attemptEntry(attempt) })),
    ...message.events.flatMap((event) => {
      const entry = eventEntry(event, message);
      return entry ? [{ at: event.at, entry }] : [];
    }),
  ].sort((a, b) => a.at.localeCompare(b.at));
  return [acceptedEntry(message), ...routeEntry(message), ...told.map(({ entry }) => entry)];
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

function routeEntry({ route, reason, attempts }: MessageRecordView): TimelineEntry[] {
  if (!route) return [];
  const name = route.candidates.find((one) => one.server === route.chosen)?.name ?? route.chosen;
  const others = route.excluded.map((one) => `Not ${one.name}: ${one.reason}`);
  switch (route.mode) {
    case 'sandbox':
      return [
        entryOf({
          key: 'route',
          title: 'Kept in the sandbox',
          tone: 'captured',
          lines: ['No server was connected when it came.'],
        }),
      ];
    case 'none':
      return [
        entryOf({
          key: 'route',
          title: 'Waits for a server',
          tone: 'deferred',
          lines: [reason ?? 'No server may carry it now.', ...others],
        }),
      ];
    case 'preferred':
      return [
        entryOf({
          key: 'route',
          title: `Routed to ${name}`,
          lines: ['The template or the call asks for this server.', ...others],
        }),
      ];
    default: {
      const waits = attempts.length === 0 && reason ? [reason] : [];
      return [
        entryOf({
          key: 'route',
          title: `Routed to ${name}`,
          lines: [drawWords(route.candidates), ...waits, ...others],
        }),
      ];
    }
  }
}

function drawWords(candidates: NonNullable<MessageRecordView['route']>['candidates']): string {
  const eligible = candidates.filter((one) => one.eligible).length;
  return eligible > 1
    ? `Drawn at random among ${eligible} servers that may carry it.`
    : 'It is the only server that may carry it.';
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
    key: `attempt ${attempt.at}`,
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
