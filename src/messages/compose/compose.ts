import type { Mailbox } from '../../address.ts';
import { sha256 } from '../../ids.ts';
import { type Body, encodeBody } from './bodies.ts';
import { base64Lines } from './encode.ts';
import { dateTokens, headerField, mailboxTokens, textTokens, valueTokens } from './headers.ts';
import { assemble, blockOf, type Piece } from './pieces.ts';
import { insertPreheader } from './preheader.ts';
import { filenameParameters } from './words.ts';

/** A file as `checkAttachments` returns it. With a `contentId` it is shown inside the HTML, by `<img src="cid:…">`. */
export interface ComposeAttachment {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
  readonly contentId?: string;
}

export interface ComposeInput {
  /** Our id: sent as X-Mailwright-ID, which survives where a server replaces the Message-ID. */
  readonly id: string;
  /** Without angle brackets. */
  readonly messageId: string;
  /** In ms. */
  readonly date: number;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox;
  readonly to: readonly Mailbox[];
  readonly cc?: readonly Mailbox[];
  readonly subject: string;
  readonly text?: Body;
  readonly html?: Body;
  /** Plain text, hidden at the top of the HTML. */
  readonly preheader?: string;
  /** As `checkHeaders` returns them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly ComposeAttachment[];
  /** The boundaries are derived from it, so that the same input always gives the same bytes. */
  readonly boundarySeed: string;
}

export interface ComposedMessage {
  /** Header and body, CRLF line ends only, the last line ended too. Dots are not stuffed. */
  readonly content: Buffer;
  /** A digest of the content: the same for every attempt, in every process, and another for any other byte. */
  readonly bodyHash: string;
  /** No line starts with a dot, so that the content may cross the wire as it is. */
  readonly isWireForm: boolean;
  /** A header holds an address that is not ASCII (RFC 6532). The envelope has its own. */
  readonly needsSmtpUtf8: boolean;
  /** The body is always 7bit: no server has to offer 8BITMIME. */
  readonly eightBit: false;
}

/** One MIME entity (RFC 2045 §2.4): its Content-* fields, and its body in pieces, without a line end behind the last. */
interface Entity {
  readonly fields: string;
  readonly body: readonly Piece[];
}

/**
 * The bytes on the wire (RFC 5322, MIME). A pure function: every attempt to deliver a message sends the same bytes.
 * Throws for a value that would break out of its header line, which the checks at acceptance do not let through.
 */
export function compose(input: ComposeInput): ComposedMessage {
  const root = rootEntity(input);
  const { content, digest } = assemble([messageFields(input), root.fields, '\r\n', ...root.body, '\r\n']);
  const mailboxes = [input.from, ...input.to, ...(input.cc ?? []), ...(input.replyTo ? [input.replyTo] : [])];
  return {
    content,
    bodyHash: digest,
    // No encoded body has such a line, and a folded field goes on behind a blank: only a name can begin with a dot.
    isWireForm: !Object.keys(input.headers ?? {}).some((name) => name.startsWith('.')),
    needsSmtpUtf8: mailboxes.some((mailbox) => mailbox.address.needsSmtpUtf8),
    eightBit: false,
  };
}

function messageFields(input: ComposeInput): string {
  let fields = fromField(input.from);
  if (input.to.length > 0) fields += headerField('To', mailboxTokens(input.to));
  if (input.cc && input.cc.length > 0) fields += headerField('Cc', mailboxTokens(input.cc));
  if (input.replyTo) fields += headerField('Reply-To', mailboxTokens([input.replyTo]));
  fields += headerField('Subject', textTokens(input.subject));
  fields += headerField('Date', dateTokens(input.date));
  fields += headerField('Message-ID', [`<${input.messageId}>`]);
  fields += headerField('X-Mailwright-ID', [input.id]);
  for (const [name, value] of Object.entries(input.headers ?? {})) {
    fields += headerField(name, valueTokens(value));
  }
  return `${fields}MIME-Version: 1.0\r\n`;
}

/** The same sender is the same object in very many letters. */
function fromField(from: Mailbox): string {
  const known = FROM_FIELDS.get(from);
  if (known !== undefined) return known;
  const field = headerField('From', mailboxTokens([from]));
  FROM_FIELDS.set(from, field);
  return field;
}

const FROM_FIELDS = new WeakMap<Mailbox, string>();

/** mixed( alternative( text, related( html, inline… ) ), attachment… ), every layer only where it has two children. */
function rootEntity(input: ComposeInput): Entity {
  const boundary = sha256(input.boundarySeed).slice(0, 24);
  const attachments = input.attachments ?? [];
  const isInline = (file: ComposeAttachment) => input.html !== undefined && file.contentId !== undefined;
  const inline = attachments.filter(isInline).map((file) => fileEntity(file, 'inline'));
  const attached = attachments
    .filter((file) => !isInline(file))
    .map((file) => fileEntity(file, 'attachment'));

  const alternatives: Entity[] = []; // the richest last (RFC 2046 §5.1.4)
  if (input.text !== undefined) alternatives.push(textEntity('plain', input.text));
  if (input.html !== undefined) {
    const html = textEntity(
      'html',
      input.preheader ? insertPreheader(input.html, input.preheader) : input.html,
    );
    alternatives.push(multipart('related', `${boundary}_r`, [html, ...inline]));
  }
  if (alternatives.length === 0) alternatives.push(textEntity('plain', ''));
  const content = multipart('alternative', `${boundary}_a`, alternatives);
  return multipart('mixed', `${boundary}_m`, [content, ...attached]);
}

function textEntity(subtype: 'plain' | 'html', text: Body): Entity {
  const { encoding, body } = encodeBody(text);
  return {
    fields: `Content-Type: text/${subtype}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n`,
    body,
  };
}

function fileEntity(file: ComposeAttachment, disposition: 'inline' | 'attachment'): Entity {
  return {
    fields:
      headerField('Content-Type', [file.contentType]) +
      headerField('Content-Transfer-Encoding', ['base64']) +
      headerField('Content-Disposition', parameters([disposition, ...filenameParameters(file.filename)])) +
      (file.contentId === undefined ? '' : headerField('Content-ID', [`<${file.contentId}>`])),
    body: [blockOf(base64Lines(file.content))],
  };
}

/** Joins entities (RFC 2046 §5.1.1); a single one stays alone. */
function multipart(subtype: string, id: string, children: readonly Entity[]): Entity {
  if (children.length === 1) return children[0]!;
  const boundary = `=_${id}`; // neither quoted-printable nor base64 can contain =_
  const type = subtype === 'related' ? ['type="text/html"'] : []; // of the first part, which related must name
  const body: Piece[] = [];
  for (const child of children) body.push(`--${boundary}\r\n${child.fields}\r\n`, ...child.body, '\r\n');
  body.push(`--${boundary}--`);
  return {
    fields: headerField(
      'Content-Type',
      parameters([`multipart/${subtype}`, ...type, `boundary="${boundary}"`]),
    ),
    body,
  };
}

/** The tokens of a field with parameters (RFC 2045 §5.1), each but the last ended by a semicolon. */
function parameters(tokens: readonly string[]): string[] {
  return tokens.map((token, index) => (index < tokens.length - 1 ? `${token};` : token));
}
