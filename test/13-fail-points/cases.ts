import type { Script } from '../../src/demo-smtp/script.ts';
import type { FailPoint } from '../../src/failpoint.ts';
import type { Engine } from '../../src/storage/db.ts';

/** Beyond what leaves in one write: see `body-begun`. */
const LONG_TEXT = 'All work and no play. '.repeat(10_000);

/** One message, the program killed at one point, and what is true after the next start. */
export interface Case {
  k: string;
  title: string;
  point: FailPoint;
  body?: Record<string, unknown>;
  over?: 'secured';
  script?: Script;
  ends: Ends | Record<Engine, Ends>;
}

interface Ends {
  status: string;
  copies: readonly number[];
}

export function endsOn(engine: Engine, { ends }: Case): Ends {
  return 'status' in ends ? ends : ends[engine];
}

const SENT_ONCE = { status: 'sent', copies: [1] };

export const CASES: readonly Case[] = [
  { k: 'K6', title: 'after the claim, before connecting', point: 'claimed', ends: SENT_ONCE },
  { k: 'K7', title: 'during the TLS handshake', point: 'tls-begun', over: 'secured', ends: SENT_ONCE },
  { k: 'K7', title: 'during the sign-in', point: 'auth-said', over: 'secured', ends: SENT_ONCE },
  { k: 'K8', title: 'after the recipient was taken', point: 'rcpt-replied', ends: SENT_ONCE },
  {
    k: 'K9',
    title: 'in the middle of the content',
    point: 'body-begun',
    body: { text: LONG_TEXT },
    ends: SENT_ONCE,
  },
  { k: 'K10', title: 'before the marker is asked for', point: 'mark-wanted', ends: SENT_ONCE },
  { k: 'K10', title: 'before the commit of the marker', point: 'mark-uncommitted', ends: SENT_ONCE },
  {
    k: 'K11',
    title: 'after the commit of the marker, before the terminator',
    point: 'mark-committed',
    ends: { status: 'uncertain', copies: [0] },
  },
  {
    k: 'K12',
    title: 'after the terminator, before the answer',
    point: 'dot-written',
    ends: { status: 'uncertain', copies: [0, 1] },
  },
  {
    k: 'K14',
    title: 'after the 250 was read, before anything is stored',
    point: 'dot-replied',
    ends: { status: 'uncertain', copies: [1] },
  },
  {
    k: 'K14',
    title: 'after the 250 was read, before the commit of the outcome',
    point: 'settle-midway',
    // On SQLite the log of the worker has it by then.
    ends: { sqlite: SENT_ONCE, postgres: { status: 'uncertain', copies: [1] } },
  },
  { k: 'K15', title: 'after the commit of the outcome', point: 'settled', ends: SENT_ONCE },
  {
    k: 'K17',
    title: 'while the retry of a "not now" is written',
    point: 'settle-midway',
    script: [{ stage: 'rcpt', fault: { reply: '450 4.2.0 Not now' }, count: 1 }],
    ends: SENT_ONCE,
  },
  {
    k: 'K18',
    title: 'between a refusal for good and the block of the address',
    point: 'settle-unblocked',
    script: [{ stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' } }],
    ends: { status: 'bounced', copies: [0] },
  },
];

/** With one of its rules taken out the program sends twice, and the judge must say so (K30). */
export const MUTATIONS = [
  { rule: 'P3', point: 'dot-written', k: 'K12' },
  { rule: 'P3', point: 'dot-replied', k: 'K14' },
  { rule: 'P4', point: 'dot-written', k: 'K12' },
  { rule: 'P4', point: 'dot-replied', k: 'K14' },
] as const;
