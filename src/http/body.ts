import { AppError } from '../errors.ts';
import type { Asked } from './route.ts';
import { refuseNul } from './validate.ts';

/** A refused body is still read and thrown away up to here, so that the caller gets to see the answer. */
const DRAIN_LIMIT = 64 * 1024 * 1024;
/** Deeper than any honest document; keeps every later walk of the value off the end of the stack. */
const MAX_DEPTH = 64;

/**
 * Reads a JSON body of at most `limit` bytes.
 * @throws AppError unsupported_media_type (415), body_too_large (413), invalid_json (400, with line and column),
 * control_character.
 */
export async function readJson(request: Asked, limit: number): Promise<unknown> {
  const type = request.headers.get('content-type');
  if (type !== null && !/^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i.test(type.trim())) {
    await discard(request);
    throw new AppError('unsupported_media_type', `Send the body as application/json, not ${shown(type)}.`, {
      status: 415,
    });
  }
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) {
    await discard(request);
    throw tooLarge(limit, Number(declared));
  }
  const text = await whole(declared === null ? readChunks(request, limit) : request.text());
  if (text.trim() === '') {
    throw new AppError('invalid_json', 'The body is empty. Send a JSON object.', {
      status: 400,
      detail: { line: 1, column: 1 },
    });
  }
  if (mayBeDeep(text) && tooDeep(text)) {
    throw new AppError('invalid_json', `The body is nested more than ${MAX_DEPTH} levels deep.`, {
      status: 400,
    });
  }
  const value = parse(text);
  // JSON holds this character only as its escape (RFC 8259 §7): most texts need no walk through their value.
  if (text.includes('\\u0000')) refuseNul(value);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidJson(text, (error as Error).message);
  }
}

/** A caller that leaves within its body is no fault of ours, nor of the database, which says it in the same words. */
async function whole(text: Promise<string>): Promise<string> {
  try {
    return await text;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('invalid_json', 'The connection ended before the whole body had come.', {
      status: 400,
    });
  }
}

/** Of a body that does not say its length. */
async function readChunks(request: Asked, limit: number): Promise<string> {
  if (!request.body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > DRAIN_LIMIT) throw tooLarge(limit, size);
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) throw tooLarge(limit, size);
  return Buffer.concat(chunks).toString('utf8');
}

async function discard(request: Asked): Promise<void> {
  if (!request.body || Number(request.headers.get('content-length') ?? 0) > DRAIN_LIMIT) return;
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > DRAIN_LIMIT) return;
  }
}

function tooLarge(limit: number, size: number): AppError {
  const kib = (bytes: number) => `${Math.ceil(bytes / 1024).toLocaleString('en-US')} KB`;
  return new AppError('body_too_large', `The body is ${kib(size)}; this call takes at most ${kib(limit)}.`, {
    status: 413,
    detail: { limitBytes: limit },
  });
}

function invalidJson(text: string, reason: string): AppError {
  const position = faultPosition(text, reason);
  if (position === undefined)
    return new AppError('invalid_json', 'The body is not valid JSON.', { status: 400 });
  const before = text.slice(0, position).split('\n');
  const line = before.length;
  const column = (before.at(-1)?.length ?? 0) + 1;
  return new AppError('invalid_json', `The body is not valid JSON: look at line ${line}, column ${column}.`, {
    status: 400,
    detail: { line, column },
  });
}

const UNEXPECTED_TOKEN = /^Unexpected token /;
/** A longer text is not read twenty times over, only to point at its fault. */
const MAX_SEARCHED = 1024 * 1024;

/** V8 says where most faults are, but not where an unexpected token is; that one is found by halving. */
function faultPosition(text: string, reason: string): number | undefined {
  if (!UNEXPECTED_TOKEN.test(reason))
    return Number(/ at position (\d+) \(line/.exec(reason)?.[1] ?? text.length);
  if (text.length > MAX_SEARCHED) return undefined;
  let sound = 0;
  let faulty = text.length;
  while (faulty - sound > 1) {
    const middle = (sound + faulty) >> 1;
    if (UNEXPECTED_TOKEN.test(complaint(text.slice(0, middle)))) faulty = middle;
    else sound = middle;
  }
  return faulty - 1;
}

function complaint(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Most texts have fewer brackets than levels are allowed, wherever they stand: half of them of each kind. */
function mayBeDeep(text: string): boolean {
  return hasMore(text, '{', MAX_DEPTH / 2) || hasMore(text, '[', MAX_DEPTH / 2);
}

function hasMore(text: string, char: string, count: number): boolean {
  let at = -1;
  for (let found = 0; found <= count; found++) {
    at = text.indexOf(char, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** Asked before the text is parsed: a value nested a million deep would fill the memory first. */
function tooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at);
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}

/** The index of the quote that ends the string; the engine's search runs over a letter or a file in no time. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === 0x5c) before--;
  return (at - before) % 2 === 1;
}

function shown(type: string): string {
  return type.replace(/[^\x20-\x7e]/g, '').slice(0, 80);
}
