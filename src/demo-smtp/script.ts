import { between, seededRandom } from './random.ts';

/** Where in a session a fault strikes. `handshake` is the TLS handshake, `ehlo2` the EHLO after STARTTLS. */
export const FAULT_STAGES = [
  'accept',
  'greet',
  'ehlo',
  'starttls',
  'handshake',
  'ehlo2',
  'auth',
  'mail',
  'rcpt',
  'data',
  'body',
  'dot',
  'rset',
  'quit',
] as const;

export type FaultStage = (typeof FAULT_STAGES)[number];

/**
 * What happens there instead of the ordinary answer.
 * - `refuse` a plain 5yz (at `accept` a reset, at `handshake` an alert) · `hang` silence from here on
 * - `rst`, `fin` the connection ends · `421close` · `4xx`, `5xx` a refusal as is usual at that stage
 * - `slow` the ordinary answer at a byte a second · `wrongcode` a reply of another class · `garbage` no SMTP at all
 * - `endless-multiline`, `long-line` a reply without end · `nul` a NUL within the reply
 * - `early-reply` the answer to the next command comes with this one · `double-reply` the same answer twice
 * - `partial-accept` the first recipient of a message only
 * - `lose-after-accept` taken, never answered (after the dot: kept in the ledger) · `accept-without-ledger` the reverse
 */
export const NAMED_FAULTS = [
  'refuse',
  'hang',
  'rst',
  'fin',
  '421close',
  '4xx',
  '5xx',
  'slow',
  'wrongcode',
  'garbage',
  'endless-multiline',
  'long-line',
  'early-reply',
  'double-reply',
  'nul',
  'partial-accept',
  'lose-after-accept',
  'accept-without-ledger',
] as const;

export type NamedFault = (typeof NAMED_FAULTS)[number];

/**
 * Those, and those with a measure: `reply` exactly these lines; `delay` the ordinary answer, when the promise resolves
 * or after that many ms; `delayUpTo` after another time at each stroke; `slow` the ordinary answer, a byte every so many ms; `cap` a refusal of what is more than
 * `count` in `perMs`.
 */
export type Fault =
  | NamedFault
  | { reply: string }
  | { delay: Promise<void> | number }
  | { delayUpTo: number }
  | { slow: number }
  | { cap: { count: number; perMs: number } };

/** What strikes: whatever was to be drawn is. */
export type Stroke = Exclude<Fault, { delayUpTo: number }>;

export interface ScriptLine {
  stage: FaultStage;
  fault: Fault;
  /**
   * Only on this connection, for this recipient or this domain of a recipient, or the nth time the stage is reached on
   * its connection (from 1).
   */
  match?: { connection?: number; rcpt?: string; domain?: string; nth?: number };
  /** How often it strikes; always when missing. */
  count?: number;
  /** Of striking where it fits, from 0 to 1; 1 when missing. */
  probability?: number;
}

export type Script = ScriptLine[];

/** A moment in a session at which a script may strike. */
export interface Moment {
  stage: FaultStage;
  connection: number;
  rcpt: string | undefined;
  nth: number;
}

/**
 * Reads `stage:fault[:probability][:count]`, such as `dot:lose-after-accept:0.1`: what people write on a command line.
 * Undefined for what is none.
 */
export function parseScriptLine(text: string): ScriptLine | undefined {
  const [stage, fault, probability = '1', count, ...rest] = text.split(':');
  const line = {
    stage: FAULT_STAGES.find((one) => one === stage),
    fault: NAMED_FAULTS.find((one) => one === fault),
    probability: Number(probability),
    ...(count === undefined ? {} : { count: Number(count) }),
  };
  const isProbable = line.probability > 0 && line.probability <= 1;
  const isCounted = count === undefined || /^[1-9]\d*$/.test(count);
  if (!line.stage || !line.fault || !isProbable || !isCounted || rest.length > 0) return undefined;
  return { ...line, stage: line.stage, fault: line.fault };
}

export interface PlaybackOptions {
  /** For `cap`. */
  now: () => number;
  /** For `probability` and `delayUpTo`: the same seed strikes in the same order. */
  seed?: number | undefined;
}

interface PlayedLine {
  line: ScriptLine;
  left: number;
  /** The moments that a cap let pass. */
  passed: number[];
}

/** A script being played: the first line that fits strikes, and lines with a count wear out. */
export class Playback {
  readonly #lines: PlayedLine[];
  readonly #now: () => number;
  readonly #random: () => number;

  constructor(script: Script, { now, seed = 1 }: PlaybackOptions) {
    this.#lines = script.map((line) => ({ line, left: line.count ?? Number.POSITIVE_INFINITY, passed: [] }));
    this.#now = now;
    this.#random = seededRandom(seed);
  }

  strike(moment: Moment): Stroke | undefined {
    const found = this.#lines.find((played) => this.#strikes(played, moment));
    if (!found) return undefined;
    found.left--;
    return this.#drawn(found.line.fault);
  }

  #drawn(fault: Fault): Stroke {
    if (typeof fault !== 'object' || !('delayUpTo' in fault)) return fault;
    return { delay: between(this.#random, 0, fault.delayUpTo) };
  }

  #strikes(played: PlayedLine, moment: Moment): boolean {
    const { line, left } = played;
    if (left <= 0 || !fits(line, moment)) return false;
    if (line.probability !== undefined && this.#random() >= line.probability) return false;
    return !(typeof line.fault === 'object' && 'cap' in line.fault && this.#letsPass(played, line.fault.cap));
  }

  #letsPass(played: PlayedLine, { count, perMs }: { count: number; perMs: number }): boolean {
    const now = this.#now();
    played.passed = played.passed.filter((at) => at > now - perMs);
    if (played.passed.length >= count) return false;
    played.passed.push(now);
    return true;
  }
}

function fits({ stage, match = {} }: ScriptLine, moment: Moment): boolean {
  if (stage !== moment.stage) return false;
  if (match.connection !== undefined && match.connection !== moment.connection) return false;
  if (match.rcpt !== undefined && match.rcpt !== moment.rcpt) return false;
  if (match.domain !== undefined && match.domain !== domainOf(moment.rcpt)) return false;
  return match.nth === undefined || match.nth === moment.nth;
}

function domainOf(rcpt: string | undefined): string | undefined {
  return rcpt?.slice(rcpt.lastIndexOf('@') + 1);
}
