import { suggestDomain } from '../address.ts';
import type { Failure } from './failure.ts';
import { failureRule } from './failure-rules.ts';
import { CONSEQUENCES, type Outcome, type Stage } from './outcome.ts';
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
  const values = { ...facts(context), doing: DOING[stage] ?? 'connecting', ...failure.detail };
  return outcomeOf(rule, rule.code, stage, values, `failure-${rule.code}`);
}

function fromReply(stage: Stage, reply: Reply, context: Context): Outcome {
  const text = replyText(reply);
  const shown = text.slice(0, MAX_REPLY_SHOWN);
  const enhanced = enhancedCode(reply);
  const words = wordsOf(reply, text);
  const subject: Subject = {
    stage,
    digits: String(reply.code),
    enhanced,
    words: words.replace(ADDRESS, 'someone@'),
    provider: providerOf(context, words),
  };
  const rule = REPLY_RULES.find((candidate) => applies(candidate, subject))!; // the last one applies to everything
  const named = namedIn(rule, words);
  const name = verdictName(rule, named, context);
  const verdict: Verdict = VERDICTS[name];
  const id = name === 'accepted' ? serverMessageId(words) : undefined;
  const values = {
    ...facts(context),
    reply: shown,
    asId: id === undefined ? '' : ` as ${id}`,
    ...named,
  };
  return {
    ...outcomeOf(verdict, verdict.code ?? name, stage, values, rule.id),
    reply: shown,
    replyCode: reply.code,
    ...(enhanced === undefined ? {} : { enhanced }),
    ...(id === undefined ? {} : { serverMessageId: id }),
  };
}

/** One line of text: the digits once, then what every line says. */
function wordsOf(reply: Reply, text: string): string {
  const again = new RegExp(`\\n${reply.code} (?:${ENHANCED_AGAIN})?`, 'g');
  return text.slice(0, MAX_TEXT_MATCHED).replace(again, ' ');
}

const ENHANCED_AGAIN = '\\d\\.\\d{1,3}\\.\\d{1,3} ?';
/** Taken out before matching: what people chose as their address says nothing about a reply. */
const ADDRESS = /[^\s<>@"'(),;:]{1,64}@[a-z0-9.-]{1,255}/gi;

/** What the rule's pattern names in the text, without what it did not find. */
function namedIn(rule: ReplyRule, words: string): Named {
  const groups = Object.entries(rule.text?.exec(words)?.groups ?? {});
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

function outcomeOf(verdict: Verdict, code: string, stage: Stage, values: Values, rule: string): Outcome {
  return {
    class: verdict.class,
    blame: verdict.blame,
    code,
    stage,
    message: fill(verdict.says, values),
    ...CONSEQUENCES[verdict.class],
    ...(verdict.failover === undefined ? {} : { failover: verdict.failover }),
    ...(verdict.scope === undefined ? {} : { scope: verdict.scope }),
    rule,
  };
}

interface Subject {
  stage: Stage;
  digits: string;
  enhanced: string | undefined;
  words: string;
  provider: Provider | undefined;
}

function applies(rule: ReplyRule, { stage, digits, enhanced, words, provider }: Subject): boolean {
  if (rule.stages && !rule.stages.includes(stage)) return false;
  if (rule.provider && rule.provider !== provider) return false;
  if (rule.digits && !rule.digits.test(digits)) return false;
  if (rule.enhanced && !(enhanced !== undefined && rule.enhanced.test(enhanced))) return false;
  return !rule.text || rule.text.test(words);
}

/** A provider is known by its preset, and by its host name when the server was entered by hand. */
function providerOf({ preset, host }: Context, words: string): Provider | undefined {
  const known = PROVIDERS.find(
    ({ provider, presets, hosts }) =>
      preset === provider || presets.includes(preset ?? '') || hosts.test(host),
  );
  return (known ?? PROVIDERS.find(({ signs }) => signs?.test(words)))?.provider;
}

/** `signs`: what the provider writes into its replies, which tells it behind any host name. */
const PROVIDERS: { provider: Provider; presets: string[]; hosts: RegExp; signs?: RegExp }[] = [
  {
    provider: 'ses',
    presets: ['aws_ses'],
    hosts: /^email-smtp(-fips)?\..*\.amazonaws\.com(\.cn)?$/i,
    signs: /^535 Authentication Credentials Invalid\.?$|\bAmazon ?SES\b/i,
  },
  {
    provider: 'gmail',
    presets: ['gmail', 'google_workspace', 'google_relay'],
    hosts: /^smtp(-relay)?\.(gmail|googlemail)\.com$/i,
    signs: /\bgsmtp\b|support\.google\.com/i,
  },
  {
    provider: 'microsoft',
    presets: ['microsoft365', 'microsoft_365', 'outlook', 'office365'],
    hosts: /\.(office365|outlook)\.com$/i,
    signs: /\.(prod|protection)\.outlook\.com\b|\bSTOREDRV\b/i,
  },
  { provider: 'postmark', presets: [], hosts: /\.postmarkapp\.com$/i },
  { provider: 'mandrill', presets: ['mailchimp'], hosts: /\.mandrillapp\.com$/i },
  { provider: 'zeptomail', presets: [], hosts: /\.zeptomail\.[a-z.]+$/i },
];

/** Names of presets and services that the rules know. */
export const KNOWN_PRESETS: readonly string[] = PROVIDERS.flatMap(({ provider, presets }) => [
  provider,
  ...presets,
]);

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

function facts(context: Context): Values {
  const region = /^email-smtp(?:-fips)?\.([^.]+)\./.exec(context.host)?.[1];
  return {
    ...context,
    user: context.user ?? 'this account',
    helo: context.helo ?? 'in EHLO',
    from: context.from === '' ? 'the empty sender' : (context.from ?? 'this sender'),
    rcpt: context.rcpt ?? 'The recipient',
    domain: domainOf(context.rcpt) ?? "The recipient's domain",
    fromDomain: domainOf(context.from) ?? 'the sender',
    region: region ?? 'this region',
    ofRegion: region === undefined ? 'the region of this server' : `region ${region}`,
    identity: 'an address of this message',
    meant: meantDomain(context.rcpt),
  };
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

function fill(sentence: string, values: Values): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}
