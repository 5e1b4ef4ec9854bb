import type { Backlog } from '../messages/backlog.ts';
import type { Calls } from './calls.ts';
import type { HandRoom } from './hand-room.ts';

/** What was told: of whom, and with what. Plain data. */
export type News =
  | ['openTo', ...Parameters<HandRoom['openTo']>]
  | ['left', ...Parameters<HandRoom['left']>]
  | ['taken', ...Parameters<Backlog['taken']>]
  | ['sent', ...Parameters<Backlog['sent']>]
  | ['waitsOnlyFor', ...Parameters<Backlog['waitsOnlyFor']>];

/** To wake a thread costs more than what it is told, and nobody misses news for so long, ms. */
const GATHER_MS = 2;

/** Calls that another thread answers. What a worker tells them goes there in order, all of some milliseconds at once. */
export class CallsBeside implements Calls {
  readonly room: Calls['room'] = {
    openTo: (...args) => this.#tell(['openTo', ...args]),
    left: (...args) => this.#tell(['left', ...args]),
  };
  readonly backlog: Calls['backlog'] = {
    taken: (...args) => this.#tell(['taken', ...args]),
    sent: (...args) => this.#tell(['sent', ...args]),
    waitsOnlyFor: (...args) => this.#tell(['waitsOnlyFor', ...args]),
  };
  readonly #post: (news: readonly News[]) => void;
  #news: News[] = [];

  constructor(post: (news: readonly News[]) => void) {
    this.#post = post;
  }

  #tell(one: News): void {
    if (this.#news.length === 0)
      setTimeout(() => {
        this.#post(this.#news);
        this.#news = [];
      }, GATHER_MS);
    const [what, workspaceId] = this.#news.at(-1) ?? [];
    if (one[0] === 'sent' && what === 'sent' && workspaceId === one[1]) return; // said already
    this.#news.push(one);
  }
}

/** The other thread's side: passes on what it was told. */
export function hear(news: readonly News[], { room, backlog }: Calls): void {
  for (const one of news)
    switch (one[0]) {
      case 'openTo':
        room.openTo(one[1]);
        break;
      case 'left':
        room.left(one[1], one[2], one[3]);
        break;
      case 'taken':
        backlog.taken(one[1], one[2]);
        break;
      case 'sent':
        backlog.sent(one[1]);
        break;
      case 'waitsOnlyFor':
        backlog.waitsOnlyFor(one[1]);
        break;
    }
}
