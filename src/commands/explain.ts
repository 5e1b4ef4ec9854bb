import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { SERVER_TYPES, serverType } from '../servers/types.ts';
import type { Context } from '../transport/classify.ts';
import { KNOWN_PRESETS } from '../transport/providers.ts';
import {
  REPLY_STAGES,
  type ReadLine,
  type ReadOptions,
  readLine,
  stageNamed,
} from '../transport/read-line.ts';

const OPTIONS = {
  stage: { type: 'string' },
  server: { type: 'string' },
  host: { type: 'string' },
  json: { type: 'boolean' },
} as const;

interface Streams {
  input: Readable;
  output: Writable;
  errors: Writable;
}

const STANDARD: Streams = { input: process.stdin, output: process.stdout, errors: process.stderr };
const EX_USAGE = 64; // sysexits(3)

/** Says what a reply of an SMTP server means. Needs no database and no settings. @returns the exit code */
export async function explainCommand(args: string[], { input, output, errors } = STANDARD): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const asked = askedFor(values, positionals);
  if (typeof asked === 'string') {
    errors.write(`mailwright: ${asked}\n`);
    return EX_USAGE;
  }
  const present = values.json ? asJson : inWords;
  const lines =
    asked.line === '-'
      ? explained(input, asked.options, present)
      : [present(readLine(asked.line, asked.options))];
  // Whoever reads may stop early, as `head` does.
  await pipeline(lines, output, { end: false }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return 0;
}

type Present = (read: ReadLine) => string;

/** One line in, one answer out, whatever the line is. */
async function* explained(input: Readable, options: ReadOptions, present: Present): AsyncGenerator<string> {
  for await (const line of linesOf(input)) yield present(readTabbed(line, options));
}

/** Lines end with \n only: readline would also part them at signs that a reply may contain. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

type Values = Partial<Record<'stage' | 'server' | 'host', string>>;

/** What to read and how, or a sentence about what is wrong with the call. */
function askedFor(
  { stage, server, host }: Values,
  [line, ...more]: string[],
): { line: string; options: ReadOptions } | string {
  const named = stage === undefined ? undefined : stageNamed(stage);
  if (line === undefined || more.length > 0)
    return 'explain needs one reply line in quotes, or - to read one a line from standard input.';
  if (stage !== undefined && !named)
    return `there is no stage "${stage.slice(0, 40)}". Stages: ${REPLY_STAGES.join(', ')}.`;
  const presets = new Set([...SERVER_TYPES.map((one) => one.type), ...KNOWN_PRESETS]);
  if (server !== undefined && !presets.has(server))
    return `there is no preset "${server.slice(0, 40)}". Presets: ${[...presets].join(', ')}.`;
  return { line, options: { stage: named, context: contextOf(server, host) } };
}

/** Without a preset, sentences speak of "the server". */
function contextOf(preset: string | undefined, host: string | undefined): Context {
  const type = serverType(preset ?? '');
  const isService = type !== undefined && type.type !== 'generic';
  return {
    server: isService ? type.name : 'the server',
    host: host ?? type?.host ?? 'the server',
    port: type?.port ?? 587,
    preset,
  };
}

/** A line from standard input may begin with its stage and a tab; a word that is no stage is left out. */
function readTabbed(line: string, options: ReadOptions): ReadLine {
  const tab = line.indexOf('\t');
  const stage = tab < 0 ? undefined : stageNamed(line.slice(0, tab));
  const isLabel = tab >= 0 && (stage !== undefined || /^\w{0,20}$/.test(line.slice(0, tab)));
  return readLine(isLabel ? line.slice(tab + 1) : line, { ...options, stage: stage ?? options.stage });
}

/** The fields are a promise: programs read them. */
function asJson({ outcome }: ReadLine): string {
  const { code, class: outcomeClass, blame, suppress, retry, failover, rule } = outcome;
  const message = sentence(outcome.message);
  return `${JSON.stringify({ code, class: outcomeClass, blame, suppress, retry, failover, message, rule })}\n`;
}

function inWords({ outcome, why, isStageGuessed }: ReadLine): string {
  const yes = (is: boolean): string => (is ? 'yes' : 'no');
  const rows = [
    ['code', outcome.code],
    ['class', `${outcome.class}: ${MEANING[outcome.class]}`],
    ['blame', outcome.blame],
    [
      'stage',
      isStageGuessed ? `${outcome.stage} (the most telling one; --stage says another)` : outcome.stage,
    ],
    ['retry', yes(outcome.retry)],
    [
      'failover',
      `${yes(outcome.failover)}${outcome.scope === 'sender' ? '; the server goes on for other senders' : ''}`,
    ],
    ['suppress', yes(outcome.suppress)],
    ['rule', `${outcome.rule}: ${why}`],
  ];
  const table = rows.map(([name, value]) => `  ${name!.padEnd(9)} ${value}`).join('\n');
  return `${sentence(outcome.message)}\n\n${table}\n\n`;
}

const MEANING: Record<ReadLine['outcome']['class'], string> = {
  accepted: 'the server took it',
  recipient_permanent: 'the message bounces, and the address is blocked',
  recipient_temporary: 'the message waits and is tried again',
  message_permanent: 'the message fails, and nobody is blocked',
  server_deferral: 'the server rests, and the message keeps its turn',
  server_attention: 'a person must mend something at the server; the message keeps its turn',
  network: 'the line is tried again soon, and the message keeps its turn',
  uncertain: 'it may have gone out, so it is not sent again by itself',
  local: 'the trouble is ours; nothing was sent',
};

/** Sentences begin with the name of the server, which has none here. */
function sentence(text: string): string {
  return text.replace(/^the server\b/, 'The server');
}
