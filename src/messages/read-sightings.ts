import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { AppError } from '../errors.ts';
import {
  eximSighting,
  type Form,
  fieldsSighting,
  namesMessages,
  postfixSighting,
  type Sighting,
  textFields,
} from './sightings.ts';

/** Longer lines are no log's: what follows is cut off. */
const LONGEST_LINE = 256 * 1024;

export interface Read {
  form: Form;
  lines: number;
}

/**
 * Reads a server's log or a provider's export, in pieces, and tells its sightings. Which of the four it is shows in its
 * first line. `-` reads standard input, for files that are packed.
 * @throws AppError file_unreadable, form_unknown
 */
export async function readSightings(file: string, tell: (sighting: Sighting) => void): Promise<Read> {
  const source = file === '-' ? process.stdin : createReadStream(file);
  try {
    return await readFrom(source, file, tell);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('file_unreadable', `${file} cannot be read: ${(error as Error).message}.`);
  }
}

async function readFrom(source: Readable, file: string, tell: (sighting: Sighting) => void): Promise<Read> {
  const start = await startOf(source);
  if (start.length === 0) throw new AppError('file_unreadable', `${file} is empty.`);
  const first = start
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  source.unshift(start);
  if (first.startsWith('{')) return readJson(source, tell);
  const separator = separatorOf(first.slice(0, first.search(/\r?\n|$/)));
  if (separator !== undefined) return readCsv(source, separator, tell);
  return readLog(source, file, tell);
}

/** The first piece, large enough to hold the first line. */
async function startOf(source: Readable): Promise<Buffer> {
  for await (const chunk of source.iterator({ destroyOnReturn: false })) return chunk as Buffer;
  return Buffer.alloc(0);
}

/** A header line names at least one column that tells of messages. */
function separatorOf(header: string): string | undefined {
  return [',', ';', '\t'].find((one) => {
    const names = header.split(one).map((name) => name.replace(/^"|"$/g, ''));
    return names.length > 1 && namesMessages(names);
  });
}

async function readLog(source: Readable, file: string, tell: (sighting: Sighting) => void): Promise<Read> {
  let lines = 0;
  const seen = { postfix: 0, exim: 0 };
  for await (const whole of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })) {
    lines++;
    const line = whole.slice(0, LONGEST_LINE);
    const postfix = postfixSighting(line);
    const sighting = postfix ?? eximSighting(line);
    if (!sighting) continue;
    seen[postfix ? 'postfix' : 'exim']++;
    tell(sighting);
  }
  if (seen.postfix + seen.exim === 0)
    throw new AppError(
      'form_unknown',
      `${file} is no log of Postfix or Exim, no CSV with a column such as Message-ID, and no JSON lines.`,
    );
  return { form: seen.postfix >= seen.exim ? 'postfix' : 'exim', lines };
}

async function readJson(source: Readable, tell: (sighting: Sighting) => void): Promise<Read> {
  let lines = 0;
  for await (const line of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    lines++;
    const sighting = fieldsSighting(textFields(jsonOf(line, lines)));
    if (sighting) tell(sighting);
  }
  return { form: 'json', lines };
}

function jsonOf(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new AppError('form_unknown', `Line ${number} is not JSON. The file holds one object a line.`);
  }
}

async function readCsv(
  source: Readable,
  delimiter: string,
  tell: (sighting: Sighting) => void,
): Promise<Read> {
  const rows = source.pipe(
    parse({
      delimiter,
      bom: true,
      columns: true,
      skip_empty_lines: true,
      relax_column_count: true,
      relax_quotes: true,
    }),
  );
  source.on('error', (error) => rows.destroy(error));
  let lines = 0;
  for await (const row of rows) {
    lines++;
    const sighting = fieldsSighting(Object.entries(row as Record<string, string>));
    if (sighting) tell(sighting);
  }
  return { form: 'csv', lines };
}
