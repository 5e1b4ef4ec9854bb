/** Where in a session a fault strikes. `handshake` is the TLS handshake, `ehlo2` the EHLO after STARTTLS. */
export type FaultStage =
  | 'accept'
  | 'greet'
  | 'ehlo'
  | 'starttls'
  | 'handshake'
  | 'ehlo2'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'dot'
  | 'rset'
  | 'quit';

/**
 * What happens there instead of the ordinary answer.
 * - `refuse` a plain 5yz (at `accept`: a reset) · `hang` silence from here on · `rst`, `fin` the connection ends
 * - `421close` · `wrongcode` a reply of another class · `garbage` no SMTP at all · `nul` a NUL within the reply
 * - `endless-multiline`, `long-line` a reply without end · `early-reply` answered before the terminator came
 * - `double-reply` · `lose-after-accept` kept in the ledger, never answered · `accept-without-ledger` the reverse
 * - `{ reply }` exactly these lines · `{ delay }` the ordinary answer, when the promise resolves or after that many ms
 */
export type Fault =
  | 'refuse'
  | 'hang'
  | 'rst'
  | 'fin'
  | '421close'
  | 'wrongcode'
  | 'garbage'
  | 'nul'
  | 'endless-multiline'
  | 'long-line'
  | 'early-reply'
  | 'double-reply'
  | 'lose-after-accept'
  | 'accept-without-ledger'
  | { reply: string }
  | { delay: Promise<void> | number };

export interface ScriptLine {
  stage: FaultStage;
  fault: Fault;
  /** Only on this connection, for this recipient, or the nth time the stage is reached on its connection (from 1). */
  match?: { connection?: number; rcpt?: string; nth?: number };
  /** How often it strikes; always when missing. */
  count?: number;
}

export type Script = ScriptLine[];

/** A moment in a session at which a script may strike. */
export interface Moment {
  stage: FaultStage;
  connection: number;
  rcpt: string | undefined;
  nth: number;
}

/** A script being played: the first line that fits strikes, and lines with a count wear out. */
export class Playback {
  readonly #lines: { line: ScriptLine; left: number }[];

  constructor(script: Script) {
    this.#lines = script.map((line) => ({ line, left: line.count ?? Number.POSITIVE_INFINITY }));
  }

  strike(moment: Moment): Fault | undefined {
    const found = this.#lines.find(({ line, left }) => left > 0 && fits(line, moment));
    if (!found) return undefined;
    found.left--;
    return found.line.fault;
  }
}

function fits({ stage, match = {} }: ScriptLine, moment: Moment): boolean {
  if (stage !== moment.stage) return false;
  if (match.connection !== undefined && match.connection !== moment.connection) return false;
  if (match.rcpt !== undefined && match.rcpt !== moment.rcpt) return false;
  return match.nth === undefined || match.nth === moment.nth;
}
