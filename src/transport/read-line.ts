import { type Context, classify } from './classify.ts';
import { guessStage } from './guess-stage.ts';
import type { Outcome, Stage } from './outcome.ts';
import { parseReply, type Reply } from './reply.ts';
import { REPLY_RULES } from './reply-rules.ts';

/** The stages that a reply can answer, and the words people use for them. */
export const REPLY_STAGES = [
  'greet',
  'ehlo',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'body',
  'dot',
] as const satisfies readonly Stage[];

const ALSO_CALLED: Record<string, Stage> = {
  connect: 'greet',
  greeting: 'greet',
  helo: 'ehlo',
  tls: 'starttls',
  final: 'dot',
  end: 'dot',
};

/** The stage that a word names; undefined for any other word. */
export function stageNamed(word: string): Stage | undefined {
  const name = word.trim().toLowerCase();
  return REPLY_STAGES.find((stage) => stage === name) ?? ALSO_CALLED[name];
}

export interface ReadOptions {
  /** Undefined to take the most telling one. */
  stage?: Stage | undefined;
  context: Context;
}

export interface ReadLine {
  outcome: Outcome;
  /** Why the deciding rule exists. */
  why: string;
  isStageGuessed: boolean;
}

/** What a line means that somebody pasted: a reply, or a log line with a reply in it. `\n` parts the reply's lines. */
export function readLine(line: string, { stage, context }: ReadOptions): ReadLine {
  const text = line.replaceAll('\\n', '\n').trim();
  const reply = replyIn(text);
  const at = stage ?? stageInLog(text) ?? (reply ? guessStage(reply, context) : stageOfNoReply(text));
  const outcome = reply ? read(at, reply, context) : noReply(at, context);
  return { outcome, why: whyOf(outcome.rule), isStageGuessed: stage === undefined };
}

function read(stage: Stage, reply: Reply, context: Context): Outcome {
  if (EXPECTED[stage]?.test(String(reply.code))) return stepTaken(stage, context);
  const outcome = classify({ stage, reply, context });
  const named = addressIn(reply);
  if (named === undefined) return outcome;
  // The address in the reply is the one that the reply is about.
  if (outcome.blame === 'recipient') return classify({ stage, reply, context: { rcpt: named, ...context } });
  if (outcome.code.startsWith('sender_'))
    return classify({ stage, reply, context: { from: named, ...context } });
  return outcome;
}

/** The reply that lets a session go on decides nothing about a message, so `classify` is never asked about it. */
function stepTaken(stage: Stage, { server }: Context): Outcome {
  return {
    class: 'accepted',
    blame: 'none',
    code: 'step_taken',
    stage,
    message: `${server} took this step and the session goes on. Nothing is decided about a message yet.`,
    suppress: false,
    retry: false,
    failover: false,
    rule: STEP_RULE,
  };
}

const STEP_RULE = 'expected-reply';
/** RFC 5321 §4.3.2 and RFC 4954 §6: what each command is answered with when all is well. */
const EXPECTED: Partial<Record<Stage, RegExp>> = {
  greet: /^220$/,
  ehlo: /^250$/,
  starttls: /^220$/,
  auth: /^(235|334)$/,
  mail: /^250$/,
  rcpt: /^25[012]$/,
  data: /^354$/,
};

function noReply(stage: Stage, context: Context): Outcome {
  return classify({ stage, failure: { kind: 'malformed', detail: { kind: 'different' } }, context });
}

/** Without a stage, a line that is no reply is read as one of a session under way, unless another protocol greets. */
function stageOfNoReply(text: string): Stage {
  return /^(HTTP\/\d|[+-](OK|ERR)\b|\* (OK|BYE)\b|SSH-)/.test(text) ? 'greet' : 'mail';
}

function whyOf(id: string): string {
  if (id === STEP_RULE)
    return 'RFC 5321 §4.3.2: the reply that the command is answered with when all is well';
  return REPLY_RULES.find((rule) => rule.id === id)?.why ?? 'there is no reply to read, so the stage decides';
}

/** The reply in a pasted line: at its start, or behind what a log or a library wrote before it. */
function replyIn(text: string): Reply | undefined {
  const bare = text.replace(/^["']|["']$/g, '').replace(/\s*\(in reply to [^()]*\)\s*$/i, '');
  return parseReply(bare) ?? parseReply(LOGGED.exec(bare)?.[1] ?? '');
}

const LOGGED = /(?:^|[:;>])[ \t]?([245]\d\d[ -][\s\S]*)$/;

/** Postfix writes the command behind the reply, Exim before it. */
function stageInLog(text: string): Stage | undefined {
  const command =
    /(?:in reply to|after) (RCPT TO|MAIL FROM|end of data|DATA|EHLO|HELO|initial connection)/i.exec(text);
  return COMMANDS[command?.[1]?.toLowerCase() ?? ''];
}

const COMMANDS: Record<string, Stage> = {
  'rcpt to': 'rcpt',
  'mail from': 'mail',
  'end of data': 'dot',
  data: 'data',
  ehlo: 'ehlo',
  helo: 'ehlo',
  'initial connection': 'greet',
};

function addressIn({ lines }: Reply): string | undefined {
  return /<([^\s<>@]{1,64}@[a-z0-9.-]{1,255})>/i.exec(lines.join(' '))?.[1];
}
