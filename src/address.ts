import { domainToASCII, domainToUnicode } from 'node:url';
import { AppError } from './errors.ts';

/** One mail address, checked and normalized. Nothing in it can end a line or leave the angle brackets of an envelope. */
export interface Address {
  /** What goes on the wire: the local part as given, the domain as a lower-case A-label. */
  readonly address: string;
  readonly local: string;
  readonly domain: string;
  /** The domain as people read it: U-labels where it has some. For display only. */
  readonly unicodeDomain: string;
  /** Equal for addresses that we take for the same mailbox: lower-cased NFC local part at the A-label domain. */
  readonly key: string;
  /** The local part is not ASCII: only a server with SMTPUTF8 can take it (RFC 6531). */
  readonly needsSmtpUtf8: boolean;
}

/** An address with the name that is shown beside it, as in From and Reply-To. */
export interface Mailbox {
  readonly name?: string;
  readonly address: Address;
}

export interface AddressRules {
  /** Take `root@localhost`, `x@mailhost`, `x@[192.0.2.1]`: for servers inside a private network. */
  allowLocalDomains?: boolean;
  /** The code for a list where one address belongs, `one_address` when not given (`one_from` for From). */
  severalCode?: string;
}

const MAX_LOCAL_OCTETS = 64; // RFC 5321 §4.5.3.1.1
const MAX_ADDRESS_OCTETS = 254; // RFC 5321 §4.5.3.1.3: a path of 256 with its two angle brackets
const MAX_LABEL_OCTETS = 63; // RFC 1035 §2.3.4
const MAX_NAME_CHARS = 255;

/** Controls, line and paragraph separators, half surrogates, and whatever is invisible: pasted text brings zero-width spaces. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** As above, but a name may hold joiners (emoji, Persian) and marks of direction, though nothing that reorders its surroundings. */
const UNSEEN_IN_NAME = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;
/** What may not stand in a dot-atom: every ASCII character that is not atext (RFC 5322 §3.2.3), every kind of blank. */
const NOT_ATEXT = /[\u0000-\u0020"(),:;<>@[\\\]\u007f\p{Zs}]/u;
const HEADER_SYNTAX = /[<>():"\\]/;
const NOT_ASCII = /[^\u0000-\u007f]/;
const NOT_IN_DOMAIN = /[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]/;
/** A last label that URL parsers and resolvers read as a number: `1.2.3.4`, `0x7f.1`. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)$/;
const ADDRESS_LITERAL = /^\[(?:IPv6:)?[\da-f:.]+\]$/i;
/** What nearly all addresses look like. None of the rules says anything about one of these, if it is short. */
const PLAIN = /^[\w+-]+(?:\.[\w+-]+)*@(?:[a-z\d]+(?:-[a-z\d]+)*\.)+[a-z]{2,}$/;
/** Slips seen often, each of a domain with very many mailboxes. Near names that exist (ymail.com) stay out. */
const MISTYPED_DOMAINS: ReadonlyMap<string, string> = mistyped({
  'gmail.com': ['gmial.com', 'gmai.com', 'gamil.com', 'gmail.co', 'gmail.con', 'gnail.com'],
  'hotmail.com': ['hotmial.com', 'hotmal.com', 'hotmail.con'],
  'outlook.com': ['outlok.com', 'outloook.com', 'outlook.con'],
  'yahoo.com': ['yaho.com', 'yahooo.com', 'yahoo.con'],
});

function mistyped(slips: Readonly<Record<string, readonly string[]>>): Map<string, string> {
  return new Map(Object.entries(slips).flatMap(([meant, all]) => all.map((slip) => [slip, meant])));
}

/**
 * Reads exactly one bare address (RFC 5321 §4.1.2 without quoted local parts). Blanks around it are dropped.
 * Throws AppError `control_character`, `one_address`, `address_invalid`, `address_too_long`, `domain_invalid` or
 * `domain_not_routable`; `detail.position` counts the characters of the input from 1.
 */
export function parseAddress(input: string, field: string, rules: AddressRules = {}): Address {
  return readPlain(input) ?? readAddress(input, 0, field, rules);
}

/**
 * Reads `Name <a@example.com>`, `"Name" <a@example.com>` or a bare address, one only. A name that is not quoted is
 * taken as it stands: commas and brackets in it are text, encoded-words are not decoded. Throws as `parseAddress` does.
 */
export function parseMailbox(input: string, field: string, rules: AddressRules = {}): Mailbox {
  refuseUnseen(input, UNSEEN_IN_NAME, 0, field);
  const open = findOpen(input);
  if (open < 0) return { address: readAddress(input, 0, field, rules) };
  const refuse = refuser(field, 0);
  const close = input.indexOf('>', open);
  if (close < 0) refuse('the > after the address is missing', input.length);

  const before = input.slice(0, open).trim();
  const after = input.slice(close + 1).trim();
  const listed = !before.startsWith('"') && /[,;]/.test(before) && before.includes('@');
  if (listed || after.includes('@')) throw severalAddresses(field, rules);
  if (after !== '') refuse('there is text after the >', close + 1);
  if (before.length > MAX_NAME_CHARS) {
    throw new AppError(
      'address_too_long',
      `The name before an address has at most ${MAX_NAME_CHARS} characters.`,
      {
        field,
        detail: { length: before.length, limit: MAX_NAME_CHARS },
      },
    );
  }
  const name = readName(before, refuse);
  const address = readAddress(input.slice(open + 1, close), open + 1, field, rules);
  return name === '' ? { address } : { name, address };
}

/** The domain somebody probably meant who wrote this one, for a warning; undefined when nothing looks mistyped. */
export function suggestDomain(domain: string): string | undefined {
  return MISTYPED_DOMAINS.get(domain);
}

type Refuse = (reason: string, index: number) => never;

/** Refuses an address for a reason at an index of the text that starts at `offset` of the input. */
function refuser(field: string, offset: number): Refuse {
  return (reason, index) => {
    throw new AppError('address_invalid', `This is not an email address: ${reason}.`, {
      field,
      detail: { position: offset + index + 1 },
    });
  };
}

/** @returns undefined for one that is to be read by the rules */
function readPlain(input: string): Address | undefined {
  if (input.length > MAX_LABEL_OCTETS || !PLAIN.test(input)) return undefined;
  const at = input.indexOf('@');
  const domain = input.slice(at + 1);
  if (isLocal(domain)) return undefined;
  return {
    address: input,
    local: input.slice(0, at),
    domain,
    unicodeDomain: domain,
    key: input.toLowerCase(),
    needsSmtpUtf8: false,
  };
}

function readAddress(input: string, offset: number, field: string, rules: AddressRules): Address {
  refuseUnseen(input, UNSEEN, offset, field);
  const text = input.trim();
  const refuse = refuser(field, offset + input.length - input.trimStart().length);
  if (text === '') refuse('it is empty', 0);
  const at = text.indexOf('@');
  const local = at < 0 ? text : text.slice(0, at);
  const domain = at < 0 ? '' : text.slice(at + 1);
  refuseHeaderSyntax(text, domain, refuse);
  if (domain.includes('@') && /[,;\p{Zs}]/u.test(text)) throw severalAddresses(field, rules);

  if (at < 0) refuse('the @ is missing', text.length);
  checkLocal(local, refuse);
  if (domain === '') refuse('the domain after the @ is missing', text.length);
  const stray = domain.search(/[@\p{Zs}]/u);
  if (stray >= 0)
    refuse(domain[stray] === '@' ? 'there is more than one @' : 'it contains a space', at + 1 + stray);

  checkLength(local, domain, field);
  const literal = ADDRESS_LITERAL.test(domain);
  const ascii = literal ? domain : toAscii(domain, field);
  checkLength(local, ascii, field);
  if (!rules.allowLocalDomains) {
    if (literal || isLocal(ascii)) throw notRoutable(field);
    if (!ascii.includes('.')) refuse('the domain after the @ has no dot', text.length);
  }
  return {
    address: `${local}@${ascii}`,
    local,
    domain: ascii,
    unicodeDomain: ascii.includes('xn--') ? domainToUnicode(ascii) : ascii,
    key: `${local.toLowerCase().normalize('NFC')}@${ascii}`,
    needsSmtpUtf8: NOT_ASCII.test(local),
  };
}

function refuseUnseen(input: string, unseen: RegExp, offset: number, field: string): void {
  const index = input.search(unseen);
  if (index < 0) return;
  const character = `U+${input.codePointAt(index)!.toString(16).toUpperCase().padStart(4, '0')}`;
  const position = offset + index + 1;
  throw new AppError(
    'control_character',
    `Remove the invisible character ${character} at position ${position}.`,
    {
      field,
      detail: { position, character },
    },
  );
}

/** Names, comments and groups are syntax of header fields; a place for one bare address takes none of them. */
function refuseHeaderSyntax(text: string, domain: string, refuse: Refuse): void {
  const index = text.search(HEADER_SYNTAX);
  if (index < 0 || (ADDRESS_LITERAL.test(domain) && index >= text.length - domain.length)) return;
  refuse(
    text[index] === '"'
      ? 'quoted local parts and names are not supported here'
      : `give the bare address, without "${text[index]}" (no name, brackets, comment or group)`,
    index,
  );
}

function severalAddresses(field: string, rules: AddressRules): AppError {
  const sentence = 'Only one address can stand here. Use an array for several, where the field takes one.';
  return new AppError(rules.severalCode ?? 'one_address', sentence, { field });
}

function checkLocal(local: string, refuse: Refuse): void {
  if (local === '') refuse('the part before the @ is empty', 0);
  const index = local.search(NOT_ATEXT);
  if (index >= 0) {
    const character = local[index]!;
    refuse(character.trim() === '' ? 'it contains a space' : `it contains "${character}"`, index);
  }
  if (local.startsWith('.')) refuse('the part before the @ starts with a dot', 0);
  if (local.endsWith('.')) refuse('the part before the @ ends with a dot', local.length - 1);
  const dots = local.indexOf('..');
  if (dots >= 0) refuse('it contains two dots in a row', dots);
}

/** Octets, not characters (RFC 6531 §3.3). Asked before the domain is converted, too: that work grows with the square. */
function checkLength(local: string, domain: string, field: string): void {
  const localOctets = Buffer.byteLength(local);
  const octets = localOctets + 1 + Buffer.byteLength(domain);
  if (localOctets <= MAX_LOCAL_OCTETS && octets <= MAX_ADDRESS_OCTETS) return;
  throw new AppError(
    'address_too_long',
    `An address has at most ${MAX_ADDRESS_OCTETS} bytes, ${MAX_LOCAL_OCTETS} of them before the @.`,
    { field, detail: { octets, localOctets, limit: MAX_ADDRESS_OCTETS, localLimit: MAX_LOCAL_OCTETS } },
  );
}

/** The lower-case A-label form (UTS 46, non-transitional). Throws `domain_invalid` for what cannot be a host name. */
function toAscii(domain: string, field: string): string {
  const refuse = (reason: string): never => {
    throw new AppError('domain_invalid', `The domain after the @ is not valid: ${reason}.`, { field });
  };
  const bad = NOT_IN_DOMAIN.exec(domain);
  if (bad) refuse(`it contains "${bad[0]}"`);
  const ascii = NOT_ASCII.test(domain) ? domainToASCII(domain) : domain.toLowerCase();
  if (ascii === '') refuse('its international characters cannot be converted');
  for (const label of ascii.split('.')) {
    if (label === '') refuse('there is a dot too many');
    if (label.length > MAX_LABEL_OCTETS)
      refuse(`a part between dots is longer than ${MAX_LABEL_OCTETS} characters`);
    const shown = label.startsWith('xn--') ? domainToUnicode(label) : label;
    // Node leaves an A-label as it is that decodes to nothing, or to what another A-label is the spelling of.
    if (shown.startsWith('xn--')) refuse('its punycode (xn--) is broken');
    if (shown.startsWith('-') || shown.endsWith('-')) refuse('a part starts or ends with a hyphen');
  }
  return ascii;
}

function isLocal(ascii: string): boolean {
  return ascii === 'localhost' || ascii.endsWith('.localhost') || ENDS_IN_NUMBER.test(ascii);
}

function notRoutable(field: string): AppError {
  const sentence =
    'No mail can be delivered to localhost or to an IP address: use a domain like example.com.';
  return new AppError('domain_not_routable', sentence, { field });
}

/** The index of the < that opens the address, outside of a quoted name; -1 when there is none. */
function findOpen(input: string): number {
  let quoted = false;
  for (let index = 0; index < input.length; index++) {
    const character = input[index];
    if (character === '\\' && quoted) index++;
    else if (character === '"') quoted = !quoted;
    else if (character === '<' && !quoted) return index;
  }
  return -1;
}

/** The name before the <: a quoted-string (RFC 5322 §3.2.4) without its quotes, or the text itself. */
function readName(text: string, refuse: Refuse): string {
  if (!text.includes('"')) return text;
  const inside = /^"((?:[^"\\]|\\.)*)"$/u.exec(text)?.[1];
  if (inside === undefined) return refuse('put the whole name in one pair of quotes', 0);
  return inside.replace(/\\(.)/gu, '$1').trim();
}
