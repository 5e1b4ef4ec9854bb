import type { RouteChoice } from '../servers/route.ts';
import type { Outcome } from '../transport/outcome.ts';

/** How one turn of a message ended. */
export type Verdict =
  /** An attempt was made: at a server, or at the sandbox. */
  | {
      kind: 'attempted';
      server: { id: string; name: string } | null;
      outcome: Outcome;
      durationMs: number;
      route: RouteChoice;
      bodyHash: string;
    }
  /** It cannot be its turn now: it stands in a lane until the server, or any server, can take it. */
  | { kind: 'waits'; lane: string; code: string; reason: string; route: RouteChoice }
  /** It ends without an attempt. */
  | { kind: 'ended'; state: 'expired' | 'blocked' | 'failed' | 'uncertain'; code: string; reason: string }
  /** Its holder vanished between the marker and the answer: it may have gone out. */
  | { kind: 'rescued'; reason: string }
  /** The trouble is ours: it goes back as it was. */
  | { kind: 'returned'; at: number }
  /** The lease was lost: whoever has it now decides. */
  | { kind: 'lost' };
