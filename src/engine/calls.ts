import type { Backlog } from '../messages/backlog.ts';
import type { HandRoom } from './hand-room.ts';

/** Where messages are stored because calls ask for it: told by a worker what becomes of them. */
export interface Calls {
  room: Pick<HandRoom, 'openTo' | 'left'>;
  backlog: Pick<Backlog, 'taken' | 'sent' | 'waitsOnlyFor'>;
}
