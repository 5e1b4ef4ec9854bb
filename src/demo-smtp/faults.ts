import type { Fault, FaultStage } from './script.ts';

/** What a fault can do to a connection. */
export interface Line {
  say(text: string): void;
  /** Ends the connection in order, after what was said. */
  end(): void;
  /** Ends the connection with a reset. */
  reset(): void;
  /** Reads on, and neither does nor says anything any more. */
  mute(): void;
  /** Stops working on input until the promise resolves or the milliseconds have passed, then calls `then`. */
  hold(until: Promise<void> | number, then: () => void): void;
}

/** What the server would do at this moment: take effect, and say its reply (nothing when empty). */
export interface Ordinary {
  reply: string;
  effect: (reply: string) => void;
}

const ENDLESS_LINES = 20_000; // endless for every client that has a limit
const LONG_LINE = 100_000;

/** Plays one fault in the place of the ordinary answer. */
export function playFault(fault: Fault, stage: FaultStage, ordinary: Ordinary, line: Line): void {
  if (typeof fault === 'object') {
    if ('delay' in fault) line.hold(fault.delay, () => answer(ordinary, line));
    else answerWith(fault.reply, ordinary, line);
    return;
  }
  PLAY[fault](line, ordinary, stage);
}

export function answer({ reply, effect }: Ordinary, line: Line): void {
  effect(reply);
  if (reply !== '') line.say(reply);
}

/** A reply of the ordinary class has the ordinary effect: `354` opens the data, `250` after the dot is in the ledger. */
function answerWith(reply: string, ordinary: Ordinary, line: Line): void {
  if (reply[0] === ordinary.reply[0]) ordinary.effect(reply);
  line.say(reply);
}

const PLAY: Record<Extract<Fault, string>, (line: Line, ordinary: Ordinary, stage: FaultStage) => void> = {
  refuse: (line, _, stage) =>
    stage === 'accept' ? line.reset() : line.say('554 5.7.0 Refused by the script'),
  hang: (line) => line.mute(),
  rst: (line) => line.reset(),
  fin: (line) => line.end(),
  '421close': (line) => {
    line.say('421 4.3.2 Closing the connection');
    line.end();
  },
  wrongcode: (line, { reply }) => line.say(reply.startsWith('3') ? '250 Wrong' : '354 Wrong'),
  garbage: (line) => line.say('\x16\x03\x01 this is no mail server'),
  nul: (line, { reply, effect }) => {
    effect(reply);
    line.say(reply.replace(' ', ' \0'));
  },
  'endless-multiline': (line, { reply }) => {
    line.say(`${reply.slice(0, 3) || '250'}-and so on\r\n`.repeat(ENDLESS_LINES));
  },
  'long-line': (line, { reply }) => line.say(`${reply.slice(0, 3) || '250'} ${'x'.repeat(LONG_LINE)}`),
  'early-reply': (line) => line.say('250 2.0.0 Answered before the end'),
  'double-reply': (line, ordinary) => {
    answer(ordinary, line);
    line.say(ordinary.reply);
  },
  'lose-after-accept': (line, { reply, effect }) => {
    effect(reply);
    line.reset();
  },
  'accept-without-ledger': (line, { reply }) => line.say(reply),
};
