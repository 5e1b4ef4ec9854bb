/** The letter of the bench: one template of a given weight with fifteen variables, and calls that fill them. */

export interface Size {
  name: string;
  /** Bytes of HTML and text together, after rendering. */
  bytes: number;
}

export const SIZES: readonly Size[] = [
  { name: '5 KB', bytes: 5 * 1024 },
  { name: '20 KB', bytes: 20 * 1024 },
];

/** Of a letter's bytes: newsletters and receipts have about this much HTML. */
const HTML_SHARE = 0.88;

const NAMES = [
  'first_name',
  'last_name',
  'company',
  'plan',
  'city',
  'country',
  'order_number',
  'order_date',
  'total',
  'currency',
  'item',
  'delivery_day',
  'support_mail',
  'account_url',
  'coupon',
] as const;

export const SUBJECT = 'Order {{ order_number }} for {{ first_name }}';

/** The fields of `POST /v1/templates`. */
export function templateOf(size: Size): { subject: string; html: string; text: string; from: string } {
  const html = Math.round(size.bytes * HTML_SHARE);
  return {
    subject: SUBJECT,
    from: 'Shop <shop@example.com>',
    html: padded(
      `<html><body><h1>Hello {{ first_name }} {{ last_name }}</h1>\n${NAMES.map((name) => `<p class="row"><b>${name}</b> {{ ${name} }}</p>`).join('\n')}\n`,
      '</body></html>\n',
      html,
      (at) =>
        `<tr><td style="padding:8px 16px;color:#333">Paragraph ${at} of the letter, as long as most are.</td></tr>\n`,
    ),
    text: padded(
      `Hello {{ first_name }} {{ last_name }},\n\nyour order {{ order_number }} of {{ order_date }}: {{ total }} {{ currency }}.\n`,
      '\nYours\n',
      size.bytes - html,
      (at) => `Paragraph ${at} of the letter, as long as most of them are.\n`,
    ),
  };
}

function padded(head: string, tail: string, bytes: number, line: (at: number) => string): string {
  let body = head;
  for (let at = 0; body.length + tail.length < bytes; at++) body += line(at);
  return body + tail;
}

export function variablesOf(at: number): Record<string, string> {
  return Object.fromEntries(NAMES.map((name) => [name, `${name.replaceAll('_', ' ')} ${at}`]));
}

/** The same letter without a template, for clients that render nothing. */
export function filledLetter(size: Size, at: number): { subject: string; html: string; text: string } {
  const { subject, html, text } = templateOf(size);
  const values = variablesOf(at);
  const fill = (source: string) =>
    source.replace(/\{\{ (\w+) \}\}/g, (_, name: string) => values[name] ?? '');
  return { subject: fill(subject), html: fill(html), text: fill(text) };
}

/** One message of so many bytes, ready for the wire. */
export function rawLetter(size: Size): Buffer {
  const head =
    'From: shop@example.com\r\nTo: ann@example.org\r\nSubject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n';
  const line = 'A line of the letter that is about as long as lines of letters use to be.\r\n';
  const lines = Math.ceil((size.bytes - head.length) / line.length);
  return Buffer.from(head + line.repeat(lines));
}
