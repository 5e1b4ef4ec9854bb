import type { Clock } from '../clock.ts';
import { classify } from './classify.ts';
import { type Endpoint, sameEndpoint } from './endpoint.ts';
import type { Envelope } from './envelope.ts';
import type { Outcome } from './outcome.ts';
import type { Lookup } from './resolve.ts';
import { type Opened, SmtpSession } from './smtp.ts';
import type { Timeouts } from './timeouts.ts';

/** One message for one recipient, ready to leave. */
export interface Letter {
  envelope: Envelope;
  content: Buffer;
  /** Resolves true when the marker is stored; only then does the terminator leave. */
  beforeDot: () => Promise<boolean>;
  /** Takes the next free connection, before all that are not urgent. */
  isUrgent?: boolean;
  /** How sentences call the server. */
  serverName: string;
  preset?: string | undefined;
}

export interface Sent {
  outcome: Outcome;
  /** From the moment a connection was free for it. */
  durationMs: number;
  /** The connection's number, unique in this pool; undefined when none could be opened. */
  connection: number | undefined;
}

export interface PoolOptions {
  clock: Clock;
  timeouts?: Partial<Timeouts> | undefined;
  /** Milliseconds a connection is kept without use. */
  idleMs?: number | undefined;
  lookup?: Lookup | undefined;
}

/** Servers end idle sessions, some after 10 s; ending them first is cheaper than finding them dead. */
const IDLE_MS = 9_000;
/** SES advises to renew connections; some servers count the messages of one. */
const MAX_MESSAGES = 1_000;
/**
 * Exim accepts more on one connection, and lets them lie until its next run through the queue, which may be half an
 * hour away (its specification, §14.23: smtp_accept_queue_per_connection).
 */
const MAX_MESSAGES_EXIM = 10;

interface Kept {
  session: SmtpSession;
  connection: number;
  /** How many this server is given on one connection. */
  maxMessages: number;
  idleTimer?: NodeJS.Timeout;
  /** Whose envelope left on this connection already: it goes on here, and nobody else. */
  promised?: Waiting | undefined;
}

/** A letter without a connection. */
interface Waiting {
  letter: Letter;
  /** Its turn has come: on the connection it was promised, on any, or with the reason why there is none. */
  go: (turn: { kept?: Kept; refusal?: Outcome }) => void;
}

/** The connections to one server, as its settings were when the lane was made. */
interface Lane {
  endpoint: Endpoint;
  idle: Kept[];
  busy: Set<Kept>;
  /** Slots taken, by connections and by attempts to open one. */
  taken: number;
  /** How many there may be, as the last letter said. */
  max: number;
  /** Who waits for a slot: no more than there are callers, urgent ones first. */
  waiting: Waiting[];
  isRetired: boolean;
  /**
   * False once an envelope that left ahead was answered out of order, or the message before it was not answered: there
   * are servers that hang up on it, and each message they leave uncertain is one too many.
   */
  mayRunAhead: boolean;
}

interface Carried {
  outcome: Outcome;
  /** The connection it went over; undefined when none could be opened. */
  on: Kept | undefined;
}

/** Keeps connections open between messages: a handshake costs more than a message. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #retired = new Set<Lane>();
  /** Cuts of connections that are being opened. */
  readonly #opening = new Set<AbortController>();
  #lastConnection = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Sends over a kept connection or a new one, waiting for a free one when `maxConnections` are at work. `key` names
   * the server; when its endpoint has changed, connections made for the old one carry nothing any more.
   */
  async send(key: string, endpoint: Endpoint, maxConnections: number, letter: Letter): Promise<Sent> {
    const lane = this.#laneFor(key, endpoint);
    lane.max = maxConnections;
    closeSurplus(lane);
    const { kept, refusal } = await takeSlot(lane, letter);
    if (refusal) return { outcome: refusal, connection: undefined, durationMs: 0 };
    const began = this.#options.clock.monotonic();
    let used: Kept | undefined;
    try {
      const { outcome, on } = await this.#sendIn(lane, endpoint, letter, kept);
      used = on;
      return { outcome, connection: on?.connection, durationMs: this.#options.clock.monotonic() - began };
    } finally {
      this.#freeSlot(lane, used);
    }
  }

  /** Closes the connections to a server, those at work when they are done. */
  async forget(key: string): Promise<void> {
    const lane = this.#lanes.get(key);
    if (!lane) return;
    this.#lanes.delete(key);
    await this.#retire(lane);
  }

  /**
   * Takes nothing new, cuts what is still being opened, waits up to `drainMs` for messages under way, then cuts them
   * too.
   */
  async close(drainMs: number): Promise<void> {
    this.#isClosed = true;
    for (const opening of this.#opening) opening.abort();
    const closing = [...this.#lanes.keys()].map((key) => this.forget(key));
    if (this.#retired.size > 0) await this.#drained(drainMs);
    for (const lane of this.#retired) for (const { session } of lane.busy) session.destroy();
    await Promise.all(closing);
  }

  #laneFor(key: string, endpoint: Endpoint): Lane {
    const known = this.#lanes.get(key);
    if (known && sameEndpoint(known.endpoint, endpoint)) {
      known.endpoint = endpoint; // mostly the next one is this very object
      return known;
    }
    if (known) void this.#retire(known);
    const lane: Lane = {
      endpoint,
      idle: [],
      busy: new Set(),
      taken: 0,
      max: 0,
      waiting: [],
      isRetired: false,
      mayRunAhead: true,
    };
    if (!this.#isClosed) this.#lanes.set(key, lane);
    return lane;
  }

  async #sendIn(lane: Lane, endpoint: Endpoint, letter: Letter, promised?: Kept): Promise<Carried> {
    const kept = promised?.session.usable ? promised : takeIdle(lane);
    if (kept) {
      const outcome = await this.#carry(lane, kept, letter);
      if (kept === promised && outcome.code === 'protocol') lane.mayRunAhead = false;
      if (!wasLostWhileIdle(outcome)) return { outcome, on: kept };
    }
    return this.#sendOnNew(lane, endpoint, letter);
  }

  async #sendOnNew(lane: Lane, endpoint: Endpoint, letter: Letter): Promise<Carried> {
    if (this.#isClosed) return { outcome: stopping(endpoint, letter), on: undefined };
    const opened = await this.#open(endpoint, letter);
    if (this.#isClosed) {
      if (opened.ok) opened.session.destroy();
      return { outcome: stopping(endpoint, letter), on: undefined };
    }
    if (!opened.ok) {
      refuseWaiting(lane, opened.outcome);
      return { outcome: opened.outcome, on: undefined };
    }
    const { session } = opened;
    const connection = ++this.#lastConnection;
    const kept: Kept = { session, connection, maxMessages: maxMessages(session) };
    return { outcome: await this.#carry(lane, kept, letter), on: kept };
  }

  async #open(endpoint: Endpoint, { serverName, preset }: Letter): Promise<Opened> {
    const { timeouts, clock, lookup } = this.#options;
    const opening = new AbortController();
    this.#opening.add(opening);
    try {
      const cut = opening.signal;
      return await SmtpSession.open(endpoint, { serverName, preset, timeouts, clock, lookup, cut });
    } finally {
      this.#opening.delete(opening);
    }
  }

  async #carry(lane: Lane, kept: Kept, { envelope, content, beforeDot }: Letter): Promise<Outcome> {
    lane.busy.add(kept);
    kept.promised = undefined;
    try {
      const outcome = await kept.session.send(envelope, content, beforeDot, () => this.#promise(lane, kept));
      if (kept.promised && outcome.class === 'uncertain') lane.mayRunAhead = false;
      return outcome;
    } catch (bug) {
      // Who was promised this connection is told of no other end than this: it goes on as the first of those who wait.
      if (kept.promised) lane.waiting.unshift(kept.promised);
      kept.promised = undefined;
      kept.session.destroy();
      throw bug;
    } finally {
      lane.busy.delete(kept);
      this.#keepOrClose(lane, kept);
    }
  }

  /** The letter that goes on this connection next, so that its envelope may leave with the terminator before it. */
  #promise(lane: Lane, kept: Kept): Letter | undefined {
    const [next] = lane.waiting;
    const { session } = kept;
    if (!next || lane.isRetired || isOverfull(lane) || !lane.mayRunAhead || !session.runsAhead)
      return undefined;
    if (session.sent + 1 >= kept.maxMessages || !session.canCarry(next.letter)) return undefined;
    kept.promised = lane.waiting.shift();
    return next.letter;
  }

  #keepOrClose(lane: Lane, kept: Kept): void {
    const { session, promised } = kept;
    if (promised) return; // it goes on with that one, or that one finds it broken and destroyed
    if (lane.isRetired || isOverfull(lane) || !session.usable || session.sent >= kept.maxMessages) {
      void session.close();
      return;
    }
    lane.idle.push(kept);
    kept.idleTimer = setTimeout(() => {
      lane.idle.splice(lane.idle.indexOf(kept), 1);
      void session.close();
    }, this.#options.idleMs ?? IDLE_MS).unref();
  }

  /** The slot changes hands, with the connection where it was promised; or goes, where fewer are allowed by now. */
  #freeSlot(lane: Lane, kept: Kept | undefined): void {
    const next = kept?.promised ?? (isOverfull(lane) ? undefined : lane.waiting.shift());
    // Both go on within this turn of the event loop: who was before asks for its outcome to be stored, the next for its
    // marker. What is stored is gathered by turns, so no marker is stored ahead of the outcome before it.
    if (next) next.go(kept?.promised ? { kept } : {});
    else lane.taken--;
    if (lane.isRetired && lane.taken === 0) this.#retired.delete(lane);
    if (this.#retired.size === 0) this.#onDrained();
  }

  async #retire(lane: Lane): Promise<void> {
    lane.isRetired = true;
    if (lane.taken > 0) this.#retired.add(lane);
    const idle = lane.idle.splice(0);
    for (const { idleTimer } of idle) clearTimeout(idleTimer);
    await Promise.all(idle.map(({ session }) => session.close()));
  }

  #onDrained = (): void => {};

  #drained(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Resolves when the slot is taken, or with the reason why nobody who waits gets one. */
function takeSlot(lane: Lane, letter: Letter): Promise<{ kept?: Kept; refusal?: Outcome }> {
  if (lane.taken < lane.max) {
    lane.taken++;
    return Promise.resolve({});
  }
  return new Promise((go) => {
    const place = letter.isUrgent ? lane.waiting.findIndex((one) => !one.letter.isUrgent) : -1;
    lane.waiting.splice(place < 0 ? lane.waiting.length : place, 0, { letter, go });
  });
}

/** More slots are taken than are allowed by now. Those who wait get one of the others. */
function isOverfull(lane: Lane): boolean {
  return lane.taken > lane.max;
}

/** Kept connections beyond what is allowed by now, those first that were used last the longest ago. */
function closeSurplus(lane: Lane): void {
  // Slots are no measure: for a moment one is still taken by the message whose connection is already kept here.
  const surplus = Math.min(lane.idle.length, lane.idle.length + lane.busy.size - lane.max);
  if (surplus <= 0) return;
  for (const { session, idleTimer } of lane.idle.splice(0, surplus)) {
    clearTimeout(idleTimer);
    void session.close();
  }
}

/** What a person must mend is not tried again by all who wait: twenty wrong passwords in a row lock an account. */
function refuseWaiting(lane: Lane, outcome: Outcome): void {
  if (outcome.class !== 'server_attention') return;
  for (const { go } of lane.waiting.splice(0)) go({ refusal: outcome });
}

function maxMessages({ greeting }: SmtpSession): number {
  return /\bExim\b/.test(greeting) ? MAX_MESSAGES_EXIM : MAX_MESSAGES;
}

/** The connection used last, as it is the one most likely alive. */
function takeIdle(lane: Lane): Kept | undefined {
  for (let kept = lane.idle.pop(); kept; kept = lane.idle.pop()) {
    clearTimeout(kept.idleTimer);
    if (kept.session.usable) return kept;
    kept.session.destroy();
  }
  return undefined;
}

/**
 * A server may close a session between two messages, or lose the thread of it; one that had not answered MAIL yet has
 * taken nothing.
 */
function wasLostWhileIdle({ stage, code }: Outcome): boolean {
  return stage === 'mail' && ['connection_lost', 'server_closing', 'protocol'].includes(code);
}

function stopping(endpoint: Endpoint, { serverName, preset }: Letter): Outcome {
  const context = { server: serverName, host: endpoint.host, port: endpoint.port, preset };
  return classify({ stage: 'local', failure: { kind: 'stopping' }, context });
}
