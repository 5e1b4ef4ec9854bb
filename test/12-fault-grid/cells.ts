import { FAULT_STAGES, type Fault, type FaultStage, NAMED_FAULTS } from '../../src/demo-smtp/script.ts';
import type { OutcomeClass } from '../../src/transport/outcome.ts';

export const GRID_FAULTS = [...NAMED_FAULTS, 'delay', 'cap'] as const;
export type GridFault = (typeof GRID_FAULTS)[number];

/** A place in the grid, and how the session runs that meets it. */
export interface Cell {
  stage: FaultStage;
  fault: GridFault;
  security: 'starttls' | 'ssl';
  pipelining: boolean;
  /** A message went before on the same session. */
  isKept: boolean;
}

/** Every stage by every fault, over STARTTLS and with pipelining, as most servers are. */
export const GRID: readonly Cell[] = FAULT_STAGES.flatMap((stage) =>
  GRID_FAULTS.map((fault) => ({
    stage,
    fault,
    security: 'starttls' as const,
    pipelining: true,
    isKept: stage === 'rset',
  })),
);

const IN_ENVELOPE = new Set<FaultStage>(['mail', 'rcpt', 'data', 'rset']);
const OF_ONE_MESSAGE = new Set<FaultStage>(['mail', 'rcpt', 'data', 'body', 'dot']);

/** The same again where the session runs otherwise. */
export const VARIANTS: readonly Cell[] = [
  ...GRID.filter(({ stage }) => IN_ENVELOPE.has(stage)).map((cell) => ({ ...cell, pipelining: false })),
  ...GRID.filter(({ stage }) => OF_ONE_MESSAGE.has(stage)).map((cell) => ({ ...cell, isKept: true })),
  ...GRID.filter(({ stage }) => stage === 'accept' || stage === 'handshake').map((cell) => ({
    ...cell,
    security: 'ssl' as const,
  })),
];

export function nameOf({ stage, fault, security, pipelining, isKept }: Cell): string {
  const how = [
    security === 'ssl' ? ' over SSL/TLS' : '',
    pipelining ? '' : ' without pipelining',
    isKept && stage !== 'rset' ? ' on a kept session' : '',
  ];
  return `${stage}: ${fault}${how.join('')}`;
}

/** Why a cell means nothing; undefined for those that are played. */
export function meaningless({ stage, fault }: Cell): string | undefined {
  if (fault === 'partial-accept' && stage !== 'rcpt') return 'only recipients can be taken in part';
  if (fault === 'cap' && !COUNTED.has(stage)) return 'servers do not count this';
  if (SILENT.has(stage) && ALTERS_A_REPLY.has(fault)) return 'there is no reply to alter';
  if (SILENT.has(stage) && PARTS_EFFECT_FROM_REPLY.has(fault))
    return 'nothing is taken that a reply confirms';
  if (stage === 'accept' && fault === 'early-reply') return 'nothing is earlier than the connection';
  if (stage === 'quit' && fault === 'early-reply') return 'nothing follows QUIT';
  return undefined;
}

/** Where a server that does well says nothing. */
const SILENT = new Set<FaultStage>(['accept', 'handshake', 'body']);
const COUNTED = new Set<FaultStage>(['accept', 'greet', 'auth', 'mail', 'rcpt', 'dot']);
const ALTERS_A_REPLY = new Set<GridFault>(['slow', 'nul', 'double-reply']);
const PARTS_EFFECT_FROM_REPLY = new Set<GridFault>(['lose-after-accept', 'accept-without-ledger']);

export interface Expected {
  class: OutcomeClass;
  /** The reason of the exception, where the rule is left. */
  exception?: string;
}

/** What a cell must lead to: an exception with its reason, or what the rule says. */
export function expectedOf(cell: Cell): Expected {
  const found = EXCEPTIONS.find(({ fits }) => fits(cell));
  if (found) return { class: found.class, exception: found.why };
  return { class: byRule(cell) };
}

/** What a fault is to who waits for an answer. */
type Kind = 'nothing' | 'silence' | 'cut' | 'not now' | 'never' | 'unreadable' | 'out of step';

const KINDS: Record<GridFault, Kind> = {
  slow: 'nothing',
  delay: 'nothing',
  nul: 'nothing',
  'partial-accept': 'nothing', // one recipient a message
  'accept-without-ledger': 'nothing', // a liar is believed
  hang: 'silence',
  rst: 'cut',
  fin: 'cut',
  'lose-after-accept': 'cut',
  '421close': 'not now',
  '4xx': 'not now',
  cap: 'not now',
  refuse: 'never',
  '5xx': 'never',
  garbage: 'unreadable',
  'endless-multiline': 'unreadable',
  'long-line': 'unreadable',
  wrongcode: 'out of step',
  'early-reply': 'out of step',
  'double-reply': 'out of step',
};

/** The rule: nothing but a readable no ends or delays a message; until the dot all else is the line's fault. */
export function byRule({ stage, fault }: Cell): OutcomeClass {
  if (stage === 'quit') return 'accepted'; // the message is through
  if (stage === 'rset') return 'accepted'; // a kept session that cannot go on is left for a new one
  switch (KINDS[fault]) {
    case 'nothing':
      return 'accepted';
    case 'not now':
      return stage === 'rcpt' ? 'recipient_temporary' : 'server_deferral';
    case 'never':
      return ABOUT_SERVER.has(stage) ? 'server_attention' : 'message_permanent';
    default:
      return stage === 'dot' ? 'uncertain' : 'network';
  }
}

/** What is refused there is neither recipient nor message. */
const ABOUT_SERVER = new Set<FaultStage>([
  'accept',
  'greet',
  'ehlo',
  'starttls',
  'handshake',
  'ehlo2',
  'auth',
  'mail',
]);

interface Exception {
  fits: (cell: Cell) => boolean;
  class: OutcomeClass;
  why: string;
}

const at = (stages: FaultStage[], faults: GridFault[]) => (cell: Cell) =>
  stages.includes(cell.stage) && faults.includes(cell.fault);

/** Where over SSL/TLS plain words come before the handshake. */
const BEFORE_TLS: FaultStage[] = ['accept', 'handshake'];
const WORDS: GridFault[] = ['421close', '4xx', 'wrongcode', 'early-reply', 'endless-multiline', 'long-line'];

const EXCEPTIONS: readonly Exception[] = [
  // Reaching the server
  {
    fits: at(['accept'], ['refuse', 'cap']),
    class: 'network',
    why: 'a connection is refused without a word',
  },
  {
    fits: (cell) => cell.security === 'ssl' && at(BEFORE_TLS, WORDS)(cell),
    class: 'server_attention',
    why: 'words where TLS must begin: the port wants STARTTLS',
  },
  {
    fits: (cell) =>
      cell.security !== 'ssl' && at(['accept', 'greet'], ['garbage', 'endless-multiline', 'long-line'])(cell),
    class: 'server_attention',
    why: 'no SMTP in place of the greeting: the port of another service',
  },
  {
    fits: (cell) => cell.security === 'starttls' && at(['handshake'], ['421close', '4xx', '5xx'])(cell),
    class: 'network',
    why: 'words are not read once TLS was promised',
  },
  // Answers that only the next command shows to be empty
  {
    fits: at(['starttls'], ['accept-without-ledger']),
    class: 'network',
    why: '220 without a handshake: our hello is not answered in TLS',
  },
  {
    fits: at(['auth'], ['accept-without-ledger']),
    class: 'server_attention',
    why: 'signed in, it says, and then asks for a sign-in at MAIL',
  },
  {
    fits: at(['mail', 'rcpt'], ['accept-without-ledger']),
    class: 'server_deferral',
    why: 'the next command is answered 503 or 554: out of order',
  },
  {
    fits: at(['data'], ['accept-without-ledger']),
    class: 'server_deferral',
    why: 'the content is taken for commands, and 500 is the answer to the dot',
  },
  // Answers in a pipeline belong to commands by their order alone
  {
    fits: (cell) => cell.pipelining && at(['mail', 'rcpt'], ['early-reply'])(cell),
    class: 'accepted',
    why: 'all commands are out, so no answer is early',
  },
  {
    fits: (cell) => cell.pipelining && at(['mail', 'rset'], ['double-reply'])(cell),
    class: 'server_deferral',
    why: 'the answers move up by one, and 250 answers DATA',
  },
  {
    fits: at(['rcpt'], ['early-reply', 'double-reply']),
    class: 'server_deferral',
    why: 'what is too much stands where the answer to DATA must stand',
  },
  // The envelope
  {
    fits: at(['rcpt'], ['421close', 'cap']),
    class: 'server_deferral',
    why: '421 and limits speak of the server, also at RCPT',
  },
  {
    fits: at(['rcpt'], ['5xx']),
    class: 'recipient_permanent',
    why: '5.1.1 speaks of the recipient',
  },
  {
    fits: at(['data'], ['5xx', 'wrongcode']),
    class: 'server_deferral',
    why: 'sender and recipient are taken and the message is unseen: neither is at fault',
  },
  // The end
  {
    fits: at(['body'], ['hang']),
    class: 'uncertain',
    why: 'a server is silent while the content comes; that this one is for good shows after the dot',
  },
  {
    fits: at(['dot'], ['early-reply', 'double-reply']),
    class: 'accepted',
    why: 'the first answer after the dot decides',
  },
];

/** What the server is told to do. */
export function faultOf({ fault }: Cell): Fault {
  switch (fault) {
    case 'delay':
      return { delay: 15_000 };
    case 'slow':
      return { slow: 100 };
    case 'cap':
      return { cap: { count: 1, perMs: 3_600_000 } };
    default:
      return fault;
  }
}

/** Cells in which time must pass; all others end without waiting for anything. */
export function takesTime(cell: Cell): boolean {
  const { fault } = cell;
  return (
    fault === 'hang' || fault === 'slow' || fault === 'delay' || IN_A_HANDSHAKE.some((fits) => fits(cell))
  );
}

/** Garbage that begins like a TLS record, and a hello that is taken for a command: both ends wait for more. */
const IN_A_HANDSHAKE = [at(BEFORE_TLS, ['garbage']), at(['starttls'], ['accept-without-ledger'])];
