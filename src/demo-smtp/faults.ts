import type { FaultStage, NamedFault, Stroke } from './script.ts';

/** What a fault can do to a connection. */
export interface Line {
  say(text: string): void;
  /** As `say`, a byte every `byteMs`; then calls `then`. */
  trickle(text: string, byteMs: number, then: () => void): void;
  /** Says what the next answer would be now, and not again when its turn comes. */
  anticipate(text: string): void;
  /** Bytes as they are. */
  write(bytes: string): void;
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
  /** Before the reply is said. */
  effect: (reply: string) => void;
  /** After the reply was said. */
  after: () => void;
  /** The message has a recipient already. */
  isFurther: boolean;
}

const ENDLESS_LINES = 20_000; // endless for every client that has a limit
const LONG_LINE = 100_000;
const SLOW_BYTE_MS = 1_000;

/** Plays one fault in the place of the ordinary answer. */
export function playFault(fault: Stroke, stage: FaultStage, ordinary: Ordinary, line: Line): void {
  if (typeof fault === 'string') PLAY[fault](line, ordinary, stage);
  else if ('delay' in fault) line.hold(fault.delay, () => answer(ordinary, line));
  else if ('slow' in fault) answerSlowly(ordinary, line, fault.slow);
  else if ('cap' in fault) turnAway(stage, line);
  else answerWith(fault.reply, ordinary, line);
}

export function answer({ reply, effect, after }: Ordinary, line: Line): void {
  effect(reply);
  if (reply !== '') line.say(reply);
  after();
}

function answerSlowly({ reply, effect, after }: Ordinary, line: Line, byteMs: number): void {
  effect(reply);
  if (reply === '') after();
  else line.trickle(reply, byteMs, after);
}

/** A reply of the ordinary class has the ordinary effect: `354` opens the data, `250` after the dot is in the ledger. */
function answerWith(reply: string, ordinary: Ordinary, line: Line): void {
  const isOrdinary = reply[0] === ordinary.reply[0];
  if (isOrdinary) ordinary.effect(reply);
  line.say(reply);
  if (isOrdinary) ordinary.after();
}

function turnAway(stage: FaultStage, line: Line): void {
  if (stage === 'accept') line.reset();
  else line.say(TOO_MANY[stage] ?? '450 4.7.1 Rate limit exceeded, slow down');
}

const PLAY: Record<NamedFault, (line: Line, ordinary: Ordinary, stage: FaultStage) => void> = {
  refuse: (line, _, stage) => {
    if (stage === 'accept') line.reset();
    else if (stage === 'handshake') line.write(HANDSHAKE_FAILURE);
    else line.say('554 5.7.0 Refused by the script');
  },
  hang: (line) => line.mute(),
  rst: (line) => line.reset(),
  fin: (line) => line.end(),
  '421close': (line) => {
    line.say('421 4.3.2 Closing the connection');
    line.end();
  },
  '4xx': (line, _, stage) => line.say(NOT_NOW[stage] ?? '451 4.3.0 Try again later'),
  '5xx': (line, _, stage) => line.say(NEVER[stage] ?? '554 5.3.0 Not possible here'),
  slow: (line, ordinary) => answerSlowly(ordinary, line, SLOW_BYTE_MS),
  wrongcode: (line, { reply }) => line.say(reply.startsWith('3') ? '250 Wrong' : '354 Wrong'),
  garbage: (line) => line.say('\x16\x03\x01 this is no mail server'),
  nul: (line, { reply, effect, after }) => {
    effect(reply);
    line.say(reply.replace(' ', ' \0'));
    after();
  },
  'endless-multiline': (line, { reply }) => {
    line.say(`${reply.slice(0, 3) || '250'}-and so on\r\n`.repeat(ENDLESS_LINES));
  },
  'long-line': (line, { reply }) => line.say(`${reply.slice(0, 3) || '250'} ${'x'.repeat(LONG_LINE)}`),
  'early-reply': (line, { reply, effect, after }, stage) => {
    effect(reply);
    if (reply !== '') line.say(reply);
    line.anticipate(NEXT[stage] ?? '250 2.0.0 Answered before it was asked');
    after();
  },
  'double-reply': (line, { reply, effect, after }) => {
    effect(reply);
    line.say(`${reply}\r\n${reply}`);
    after();
  },
  'partial-accept': (line, ordinary) => {
    if (ordinary.isFurther) line.say('452 4.5.3 Too many recipients');
    else answer(ordinary, line);
  },
  'lose-after-accept': (line, { reply, effect }) => {
    effect(reply);
    line.reset();
  },
  'accept-without-ledger': (line, { reply }) => line.say(reply),
};

/** The alert `handshake_failure` of TLS 1.2 (RFC 5246 §7.2). */
const HANDSHAKE_FAILURE = '\x15\x03\x03\x00\x02\x02\x28';

/** What a server says that cannot do it now, where it is not the usual sentence. */
const NOT_NOW: Partial<Record<FaultStage, string>> = {
  starttls: '454 4.7.0 TLS not available due to temporary reason', // RFC 3207 §4
  auth: '454 4.7.0 Temporary authentication failure', // RFC 4954 §6
  rcpt: '450 4.2.0 Greylisted, try again later',
};

/** What a server says that will not do it. */
const NEVER: Partial<Record<FaultStage, string>> = {
  starttls: '502 5.5.1 Command not implemented',
  auth: '535 5.7.8 Authentication credentials invalid', // RFC 4954 §6
  mail: '553 5.7.1 Sender address rejected: not owned by user',
  rcpt: '550 5.1.1 User unknown',
  body: '552 5.3.4 Message too big',
  dot: '554 5.7.1 Message refused by policy',
};

/** What a server says to more than it allows. */
const TOO_MANY: Partial<Record<FaultStage, string>> = {
  greet: '421 4.7.0 Too many connections',
  auth: '454 4.7.0 Too many sign-ins',
};

/** The answers to the commands that usually follow. */
const NEXT: Partial<Record<FaultStage, string>> = {
  ehlo: '220 2.0.0 Ready to start TLS',
  ehlo2: '235 2.7.0 Authentication successful',
  rcpt: '354 End data with <CR><LF>.<CR><LF>',
};
