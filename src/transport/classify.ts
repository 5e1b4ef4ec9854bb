import { suggestDomain } from '../address.ts';
import type { Failure } from './failure.ts';
import { failureRule } from './failure-rules.ts';
import { CONSEQUENCES, type Outcome, type Stage } from './outcome.ts';
import { providerOf } from './providers.ts';
import { enhancedCode, type Reply, replyText } from './reply.ts';
import { type Provider, REPLY_RULES, type ReplyRule } from './reply-rules.ts';
import { VERDICTS, type Verdict, type VerdictName } from './verdicts.ts';

export interface Context {
  /** How sentences call the server. */
  server: string;
  host: string;
  port: number;
  user?: string | undefined;
  from?: string | undefined;
  rcpt?: string | undefined;
  helo?: string | undefined;
  /** The service type of the server, such as `gmail` or `aws_ses`. */
  preset?: string | undefined;
}

/** Exactly one of `reply` and `failure`. */
export interface ClassifyInput {
  stage: Stage;
  reply?: Reply | undefined;
  failure?: Failure | undefined;
  context: Context;
}

const MAX_REPLY_SHOWN = 512;
const MAX_TEXT_MATCHED = 2_000; // bounds the work of every pattern

/**
 * What a reply or a failure at this stage means. Decides in this order: stage, terminator written and no valid reply
 * read, provider pattern, wording, enhanced code, three digits.
 */
export function classify({ stage, reply, failure, context }: ClassifyInput): Outcome {
  if (reply) return fromReply(stage, reply, context);
  if (!failure) throw new TypeError('An outcome needs a reply or a failure.');
  const rule = failureRule(stage, failure);
  const values = { doing: DOING[stage] ?? 'connecting', ...failure.detail };
  return outcomeOf(rule, rule.code, stage, fill(rule.says, values, context), `failure-${rule.code}`);
}

function fromReply(stage: Stage, reply: Reply, context: Context): Outcome {
  const text = replyText(reply);
  const shown = text.slice(0, MAX_REPLY_SHOWN);
  const enhanced = enhancedCode(reply);
  const words = wordsOf(reply, text);
  const subject = new Subject(reply, enhanced, words, context);
  const rule = rulesAt(stage).find((candidate) => applies(candidate, subject))!; // the last one applies to everything
  const named = namedIn(rule, words);
  const name = verdictName(rule, named, context);
  const verdict: Verdict = VERDICTS[name];
  const id = name === 'accepted' ? serverMessageId(words) : undefined;
  const values = {
    reply: shown,
    asId: id === undefined ? '' : ` as ${id}`,
    ...named,
  };
  const outcome = outcomeOf(
    verdict,
    verdict.code ?? name,
    stage,
    fill(verdict.says, values, context),
    rule.id,
  );
  outcome.reply = shown;
  outcome.replyCode = reply.code;
  if (enhanced !== undefined) outcome.enhanced = enhanced;
  if (id !== undefined) outcome.serverMessageId = id;
  return outcome;
}

/** One line of text: the digits once, then what every line says. */
function wordsOf(reply: Reply, text: string): string {
  if (reply.lines.length === 1) return text.slice(0, MAX_TEXT_MATCHED);
  const again = new RegExp(`\\n${reply.code} (?:${ENHANCED_AGAIN})?`, 'g');
  return text.slice(0, MAX_TEXT_MATCHED).replace(again, ' ');
}

const ENHANCED_AGAIN = '\\d\\.\\d{1,3}\\.\\d{1,3} ?';
/** Taken out before matching: what people chose as their address says nothing about a reply. */
const ADDRESS = /[^\s<>@"'(),;:]{1,64}@[a-z0-9.-]{1,255}/gi;

/** What the rule's pattern names in the text, without what it did not find. */
function namedIn(rule: ReplyRule, words: string): Named {
  if (!rule.text) return {};
  const groups = Object.entries(rule.text.exec(words)?.groups ?? {});
  return Object.fromEntries(groups.filter(([, found]) => found !== undefined));
}

/** SES names the addresses it does not know: where the recipient is one of them, the account is in its sandbox. */
function verdictName(rule: ReplyRule, named: Named, { rcpt }: Context): VerdictName {
  const { identity } = named;
  const isSandbox =
    rule.verdict === 'ses_not_verified' &&
    rcpt !== undefined &&
    identity?.toLowerCase().includes(rcpt.toLowerCase());
  return isSandbox ? 'ses_sandbox' : rule.verdict;
}

type Named = Record<string, string>;
type Values = Record<string, string | number | undefined>;

function outcomeOf(verdict: Verdict, code: string, stage: Stage, message: string, rule: string): Outcome {
  return {
    class: verdict.class,
    blame: verdict.blame,
    code,
    stage,
    message,
    ...CONSEQUENCES[verdict.class],
    ...(verdict.failover === undefined ? {} : { failover: verdict.failover }),
    ...(verdict.scope === undefined ? {} : { scope: verdict.scope }),
    rule,
  };
}

/** The rules that hold at a stage, in their order. */
function rulesAt(stage: Stage): readonly ReplyRule[] {
  const known = STAGE_RULES.get(stage);
  if (known) return known;
  const rules = REPLY_RULES.filter(({ stages }) => !stages || stages.includes(stage));
  STAGE_RULES.set(stage, rules);
  return rules;
}

const STAGE_RULES = new Map<Stage, readonly ReplyRule[]>();

/** What the rules look at. Most replies are a 250, decided by its digits: the rest is found when a rule asks. */
class Subject {
  readonly digits: string;
  readonly enhanced: string | undefined;
  readonly #words: string;
  readonly #context: Context;
  #anonymous: string | undefined;
  #provider: Provider | 'none' | undefined;

  constructor(reply: Reply, enhanced: string | undefined, words: string, context: Context) {
    this.digits = String(reply.code);
    this.enhanced = enhanced;
    this.#words = words;
    this.#context = context;
  }

  get words(): string {
    this.#anonymous ??= this.#words.replace(ADDRESS, 'someone@');
    return this.#anonymous;
  }

  get provider(): Provider | 'none' {
    this.#provider ??= providerOf(this.#context, this.#words) ?? 'none';
    return this.#provider;
  }
}

function applies(rule: ReplyRule, subject: Subject): boolean {
  const { enhanced } = subject;
  if (rule.provider && rule.provider !== subject.provider) return false;
  if (rule.digits && !rule.digits.test(subject.digits)) return false;
  if (rule.enhanced && !(enhanced !== undefined && rule.enhanced.test(enhanced))) return false;
  return !rule.text || rule.text.test(subject.words);
}

/** What the server calls the message, so that it can be found in its log and in later events. */
function serverMessageId(words: string): string | undefined {
  for (const pattern of ID_PATTERNS) {
    const id = pattern.exec(words)?.[1];
    if (id) return id.replace(/^<|[>.,;)]+$/g, '').slice(0, MAX_ID);
  }
  return undefined;
}

const MAX_ID = 200;
const ID_PATTERNS = [
  /\bqueued (?:mail for delivery )?as:? (\S+)/i, // Postfix, and many that speak like it
  /<([^\s<>]+@[^\s<>]+)> \[InternalId=/i, // Exchange
  /\bid=([\w.:-]+)/i, // Exim
  /\bmessage[- ]?id:? <?([^\s<>]+)/i,
  /^\d{3}(?: \d\.\d\.\d)? OK\s+(?:\d+\s+)?([\w.+=:/@-]*\d[\w.+=:/@-]{7,})/i, // SES "Ok 0100…", Gmail "OK  1700000000 abc… - gsmtp"
  /\bqueued(?: for delivery)?:? (?:as |\()?([\w.-]*\d[\w.-]{5,})/i,
];

/** The words of a sentence that are known before any reply. */
const FACTS: Record<string, (context: Context) => string | number> = {
  server: ({ server }) => server,
  host: ({ host }) => host,
  port: ({ port }) => port,
  user: ({ user }) => user ?? 'this account',
  helo: ({ helo }) => helo ?? 'in EHLO',
  from: ({ from }) => (from === '' ? 'the empty sender' : (from ?? 'this sender')),
  rcpt: ({ rcpt }) => rcpt ?? 'The recipient',
  domain: ({ rcpt }) => domainOf(rcpt) ?? "The recipient's domain",
  fromDomain: ({ from }) => domainOf(from) ?? 'the sender',
  region: ({ host }) => regionOf(host) ?? 'this region',
  ofRegion: ({ host }) => {
    const region = regionOf(host);
    return region === undefined ? 'the region of this server' : `region ${region}`;
  },
  identity: () => 'an address of this message',
  meant: ({ rcpt }) => meantDomain(rcpt),
};

function regionOf(host: string): string | undefined {
  return /^email-smtp(?:-fips)?\.([^.]+)\./.exec(host)?.[1];
}

/** A typing mistake is the usual reason for a domain that nobody runs. */
function meantDomain(rcpt: string | undefined): string {
  const meant = suggestDomain(domainOf(rcpt) ?? '');
  return meant === undefined ? '.' : `: did you mean ${meant}?`;
}

function domainOf(address: string | undefined): string | undefined {
  const at = address?.lastIndexOf('@') ?? -1;
  return at < 0 ? undefined : address?.slice(at + 1);
}

const DOING: Partial<Record<Stage, string>> = {
  ehlo: 'exchanging greetings',
  starttls: 'setting up encryption',
  auth: 'signing in',
  mail: 'naming the sender',
  rcpt: 'naming the recipient',
  data: 'announcing the message',
  body: 'sending the message',
};

/** `values` go before what the context knows. */
function fill(sentence: string, values: Values, context: Context): string {
  return partsOf(sentence)
    .map((part, at) =>
      at % 2 === 0 ? part : ((Object.hasOwn(values, part) ? values[part] : FACTS[part]?.(context)) ?? ''),
    )
    .join('');
}

/** A sentence at its placeholders: every other part is a name. The sentences are those of the rules, so they are few. */
function partsOf(sentence: string): readonly string[] {
  const known = SENTENCES.get(sentence);
  if (known) return known;
  const parts = sentence.split(/\{(\w+)\}/);
  SENTENCES.set(sentence, parts);
  return parts;
}

const SENTENCES = new Map<string, readonly string[]>();
