import type { LedgerLine } from '../demo-smtp/process.ts';
import type { Listed } from './trial.ts';

export type OnUncertain = 'hold' | 'resend_once';

export interface Evidence {
  /** Ids that were answered with 202: from then on the promise holds. */
  accepted: readonly string[];
  /** What the API says of its messages. */
  records: readonly Listed[];
  /** What arrived, by the receiving server's own record. It decides; the API's record is compared with it. */
  ledger: readonly LedgerLine[];
  kills: number;
  /** Open at the same time, of all that a kill ends. */
  connections: number;
  onUncertain: OnUncertain;
  /** What was found wrong inside the database. */
  faults: readonly string[];
}

export interface Judgment {
  accepted: number;
  /** How many messages are in each state, by the API. */
  states: Record<string, number>;
  /** Neither arrived nor said to be uncertain. */
  lost: string[];
  /** Arrived more often than the rule of their template allows. */
  doubled: string[];
  uncertain: number;
  /** Of the uncertain ones. */
  uncertainArrived: number;
  /** Second copies that the rule allows, and that are flagged. */
  copies: number;
  /** At most so many can be uncertain, or arrive as a second copy. */
  bound: number;
  /** Sentences; empty when the promise held. */
  broken: string[];
}

/** Compares what arrived with what the API says, and both with the promise of docs/delivery-states.md. */
export function judge(evidence: Evidence): Judgment {
  const { accepted, records, kills, connections } = evidence;
  const arrived = Map.groupBy(evidence.ledger, (one) => one.xId ?? '');
  const known = new Map(records.map((one) => [one.id, one]));
  const isUncertain = (id: string) => known.get(id)?.status === 'uncertain';
  const uncertain = accepted.filter(isUncertain);
  const repeated = [...arrived].filter(([, copies]) => copies.length > 1);
  const allowed = repeated.filter(([id, copies]) => isAllowedRepeat(evidence, known.get(id), copies));
  const judgment = {
    accepted: accepted.length,
    states: statesOf(records),
    lost: accepted.filter((id) => !arrived.has(id) && !isUncertain(id)),
    doubled: repeated.filter((one) => !allowed.includes(one)).map(([id]) => id),
    uncertain: uncertain.length,
    uncertainArrived: uncertain.filter((id) => arrived.has(id)).length,
    copies: allowed.length,
    bound: kills * connections,
  };
  return { ...judgment, broken: [...promisesBroken(judgment), ...booksBroken(evidence, arrived, known)] };
}

/** With `resend_once` a second copy may arrive: flagged, the same Message-ID, the same bytes. Never a third. */
function isAllowedRepeat(
  { onUncertain }: Evidence,
  record: Listed | undefined,
  copies: readonly LedgerLine[],
): boolean {
  if (onUncertain !== 'resend_once' || copies.length > 2 || !record?.possibleDuplicate) return false;
  const [first, second] = copies;
  return first!.messageId === second!.messageId && first!.bodySha256 === second!.bodySha256;
}

function statesOf(records: readonly Listed[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const { status } of records) counted[status] = (counted[status] ?? 0) + 1;
  return counted;
}

function promisesBroken({ lost, doubled, uncertain, copies, bound }: Omit<Judgment, 'broken'>): string[] {
  return [
    ...(lost.length > 0 ? [`${lost.length} messages are lost: ${some(lost)}`] : []),
    ...(doubled.length > 0 ? [`${doubled.length} messages arrived too often: ${some(doubled)}`] : []),
    ...(uncertain > bound ? [`${uncertain} messages are uncertain, more than the bound of ${bound}`] : []),
    ...(copies > bound ? [`${copies} second copies arrived, more than the bound of ${bound}`] : []),
  ];
}

/** Everything accepted is known and has ended, nothing else is there, and what is said to be sent was. */
function booksBroken(
  { accepted, records, faults }: Evidence,
  arrived: ReadonlyMap<string, unknown>,
  known: ReadonlyMap<string, Listed>,
): string[] {
  const asked = new Set(accepted);
  const missing = accepted.filter((id) => !known.has(id));
  const strangers = records.map((one) => one.id).filter((id) => !asked.has(id));
  const strays = [...arrived.keys()].filter((id) => !asked.has(id));
  const other = records.filter((one) => one.status !== 'sent' && one.status !== 'uncertain');
  return [
    ...(missing.length > 0 ? [`${missing.length} accepted messages are unknown: ${some(missing)}`] : []),
    ...(strangers.length > 0
      ? [`${strangers.length} messages were never asked for: ${some(strangers)}`]
      : []),
    ...(strays.length > 0
      ? [`${strays.length} messages arrived that were not accepted: ${some(strays)}`]
      : []),
    ...(other.length > 0
      ? [`${other.length} messages are neither sent nor uncertain: ${some(other.map((one) => one.id))}`]
      : []),
    ...faults,
  ];
}

const SHOWN = 3;

function some(ids: readonly string[]): string {
  return ids.slice(0, SHOWN).join(', ') + (ids.length > SHOWN ? ', …' : '');
}
