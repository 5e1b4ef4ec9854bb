import type { Mailbox } from '../../address.ts';
import { encodedWords } from './words.ts';

/** Lines should have at most 78 characters (RFC 5322 §2.1.1), with encoded-words at most 76 (RFC 2047 §2). */
const MAX_LINE = 76;
/** What still fits on a line behind the name of its header; anything longer is sent as encoded-words, which can fold. */
const MAX_TOKEN = 64;
const LINE_BREAKING = /[\0\r\n]/;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
const NOT_ASCII = /[^\u0000-\u007f]/;
const PRINTABLE_ASCII = /^[\u0020-\u007e]*$/;
/** Where a line may fold and every reader restores the text: at a blank that stands alone. */
const LONE_BLANK = /(?<! ) (?! )/;
/** A phrase of atoms (RFC 5322 §3.2.5) needs no quotes. */
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/;

/**
 * One header field, folded between its tokens, with its line end. A token is never cut, and the first stays beside the
 * name unless it is an encoded-word: readers are known to lose a Message-ID that stands on the second line.
 * Throws when a token would break the line: everything was checked at acceptance, so that is a bug, not a mail to send.
 */
export function headerField(name: string, tokens: readonly string[]): string {
  const whole = tokens.length === 0 ? `${name}:` : `${name}: ${joined(tokens)}`;
  if (LINE_BREAKING.test(whole)) throw new Error(`header ${JSON.stringify(name)} contains a line break`);
  return whole.length <= MAX_LINE ? `${whole}\r\n` : folded(name, tokens);
}

function joined(tokens: readonly string[]): string {
  return tokens.length === 1 ? tokens[0]! : tokens.join(' ');
}

function folded(name: string, tokens: readonly string[]): string {
  let field = '';
  let line = `${name}:`;
  for (const [index, token] of tokens.entries()) {
    if (line.length + 1 + token.length > MAX_LINE && (index > 0 || token.startsWith('=?'))) {
      field += `${line}\r\n`;
      line = '';
    }
    line += ` ${token}`;
  }
  return `${field}${line}\r\n`;
}

/** Text for people, as in Subject. It is shown literally: what looks like an encoded-word is encoded itself. */
export function textTokens(text: string): string[] {
  const flat = flatten(text);
  if (flat === '') return [];
  if (!isPlain(flat)) return encodedWords(flat);
  if (flat.length <= MAX_TOKEN) return [flat]; // as most are: there is nothing to fold
  const tokens = flat.split(LONE_BLANK);
  return tokens.every((token) => token.length <= MAX_TOKEN) ? tokens : encodedWords(flat);
}

/** A custom header's value: ASCII goes out as given, since its syntax is not ours to know. */
export function valueTokens(value: string): string[] {
  return NOT_ASCII.test(value) ? encodedWords(flatten(value)) : value.split(LONE_BLANK);
}

/** An address list: `Name <a@example.com>, b@example.com`. */
export function mailboxTokens(mailboxes: readonly Mailbox[]): string[] {
  return mailboxes.flatMap((mailbox, index) => {
    const comma = index < mailboxes.length - 1 ? ',' : '';
    const { address } = mailbox.address;
    const name = mailbox.name === undefined ? [] : phrase(mailbox.name);
    return name.length === 0 ? [address + comma] : [...name, `<${address}>${comma}`];
  });
}

/** A time in ms as RFC 5322 §3.3 wants it, in UTC. */
export function dateTokens(ms: number): string[] {
  const second = Math.floor(ms / 1000);
  if (second !== latest.second) latest = { second, text: new Date(ms).toUTCString().replace('GMT', '+0000') };
  return [latest.text];
}

/** Letters that are made one after the other were mostly accepted within the same second. */
let latest = { second: Number.NaN, text: '' };

function phrase(name: string): string[] {
  const flat = flatten(name);
  if (flat === '') return [];
  if (!isPlain(flat) || flat.length > MAX_TOKEN) return encodedWords(flat);
  return [ATOMS.test(flat) ? flat : `"${flat.replace(/["\\]/g, '\\$&')}"`];
}

/** A variable may bring line breaks into a subject or a name. They become blanks: one header stays one header. */
function flatten(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text.trim();
  return text.toWellFormed().replace(UNPRINTABLE, ' ').trim();
}

function isPlain(text: string): boolean {
  return PRINTABLE_ASCII.test(text) && !text.includes('=?');
}
