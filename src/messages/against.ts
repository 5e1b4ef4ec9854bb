import { basename } from 'node:path';
import { type Clock, iso } from '../clock.ts';
import type { Db } from '../storage/db.ts';
import { type OurLine, ScratchJoin } from '../storage/scratch-join.ts';
import type { Broken } from './audit.ts';
import { type OurRow, ourRows } from './audit-store.ts';
import { resolveByEvidence } from './evidence.ts';
import { readSightings } from './read-sightings.ts';
import { type Form, isOurMessageId } from './sightings.ts';

export interface Against {
  form: Form;
  lines: number;
  arrivals: number;
  matched: number;
  /** Arrivals that bear no mark of ours: mail of others. */
  foreign: number;
  /** Could be one of several copies with the same Message-ID. */
  ambiguous: number;
  /** First and last match; outside of it nothing is said to be missing there. */
  window: { from: string; to: string } | null;
  missingHere: number;
  missingThere: number;
  twiceThere: number;
  endedOtherwise: number;
  /** Uncertain or queued here, and found there. */
  arrived: number;
  resolved: number;
  resolveAsked: boolean;
}

export interface AgainstInput {
  file: string;
  workspaceId: string | undefined;
  resolve: boolean;
  operator: string;
}

/** Messages read at once, oldest first. */
const AT_ONCE = 2_000;

/**
 * Joins a server's log or a provider's export with our record, and tells each message that stands on one side only,
 * or twice. With `resolve`, uncertain and queued messages found there count as sent. What is not found there stays
 * as it is: absence proves nothing. @throws AppError file_unreadable, form_unknown
 */
export async function compareWith(
  db: Db,
  clock: Clock,
  { file, workspaceId, resolve, operator }: AgainstInput,
  tell: (broken: Broken) => void,
): Promise<Against> {
  const scratch = new ScratchJoin();
  try {
    const { form, lines } = await readSightings(file, (sighting) => scratch.saw(sighting));
    // Our record is read after the file: what the file knows is in it, unless it is missing.
    await loadOurs(db, scratch, workspaceId, clock.now());
    scratch.join();
    const tellAll = (rule: string, ids: Iterable<string>) => {
      let told = 0;
      for (const id of ids) {
        tell({ rule, id });
        told++;
      }
      return told;
    };
    const strangers = countStrangers(scratch, workspaceId, tell);
    const window = scratch.window();
    const arrived = await tellArrived(scratch, tell, (id, queueId) =>
      resolve
        ? resolveByEvidence(db, clock, operator, id, { source: form, file: basename(file), queueId })
        : Promise.resolve(false),
    );
    return {
      form,
      lines,
      arrivals: scratch.arrivals(),
      matched: scratch.matched(),
      ambiguous: scratch.ambiguous(),
      ...strangers,
      window: window ? { from: iso(window.from), to: iso(window.to) } : null,
      missingThere: tellAll('missing_there', scratch.missingThere()),
      twiceThere: tellAll('twice_there', scratch.twice()),
      endedOtherwise: tellAll(
        'ended_otherwise',
        [...scratch.arrivedAs('ended')].map((one) => one.id),
      ),
      ...arrived,
      resolveAsked: resolve,
    };
  } finally {
    scratch.close();
  }
}

async function loadOurs(
  db: Db,
  scratch: ScratchJoin,
  workspaceId: string | undefined,
  now: number,
): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await ourRows(db, workspaceId, after, AT_ONCE);
    for (const row of rows) scratch.have(ourLine(row, now));
    if (rows.length < AT_ONCE) return;
    after = rows.at(-1)!.id;
  }
}

function ourLine(row: OurRow, now: number): OurLine {
  return {
    id: row.id,
    queueId: row.server_message_id,
    messageId: row.message_id_header,
    rcpt: row.rcpt.toLowerCase(),
    server: row.server_id,
    at: row.final_at ?? row.created_at,
    claim: claimOf(row, now),
  };
}

/** What a person or a rule called sent was not answered by a server: it need not be there. */
const NOT_ANSWERED = new Set(['unconfirmed', 'resolved_sent']);

function claimOf(row: OurRow, now: number): OurLine['claim'] {
  if (row.state === 'sent') return row.code !== null && NOT_ANSWERED.has(row.code) ? 'other' : 'sent';
  if (row.state === 'uncertain') return 'open';
  // On its way right now: the log is ahead of us by a moment.
  if (row.state === 'queued') return row.lease_owner !== null && row.due_at > now ? 'other' : 'open';
  // A bounce may have come later, by mail.
  return row.state === 'bounced' ? 'other' : 'ended';
}

/** Mail that bears our marks is ours; a record that does not have it lost it, or belongs to another workspace. */
function countStrangers(
  scratch: ScratchJoin,
  workspaceId: string | undefined,
  tell: (broken: Broken) => void,
): { foreign: number; missingHere: number } {
  const counted = { foreign: 0, missingHere: 0 };
  for (const { xId, messageId } of scratch.strangers()) {
    const ours = xId ?? (messageId !== null && isOurMessageId(messageId) ? messageId : undefined);
    if (ours === undefined || workspaceId !== undefined) counted.foreign++;
    else {
      counted.missingHere++;
      tell({ rule: 'missing_here', id: ours });
    }
  }
  return counted;
}

async function tellArrived(
  scratch: ScratchJoin,
  tell: (broken: Broken) => void,
  resolve: (id: string, queueId: string | null) => Promise<boolean>,
): Promise<{ arrived: number; resolved: number }> {
  const counted = { arrived: 0, resolved: 0 };
  for (const { id, queueId } of scratch.arrivedAs('open')) {
    counted.arrived++;
    tell({ rule: 'arrived', id });
    if (await resolve(id, queueId)) counted.resolved++;
  }
  return counted;
}
