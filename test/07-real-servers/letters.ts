import { createHash } from 'node:crypto';
import { simpleParser } from 'mailparser';
import { SENDER } from '../support/mail-server.ts';

// Letters that have hurt mailers: many scripts, both directions, lines that mean something to a server, files of all bytes.

export interface SentLetter {
  rcpt: string;
  from: { name: string; address: string };
  subject: string;
  text: string;
  html: string;
  attachments: File[];
}

interface File {
  filename: string;
  contentType: string;
  content: Buffer;
}

const SUBJECT_CHARS = 300;
const MEGABYTE = 1_000_000;

const SCRIPTS = [
  { name: 'Ann Example', text: 'The quick brown fox jumps over the lazy dog = 100% "sure" <maybe>' },
  { name: 'Zoë Ångström', text: 'Größe, façade, naïve, smørrebrød, Łódź, Kőszeg, İstanbul, tiếng Việt' },
  { name: 'Анна Пример', text: 'Съешь ещё этих мягких французских булок, да выпей чаю' },
  { name: 'Άννα Παράδειγμα', text: 'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία' },
  { name: 'آنا مثال', text: 'نص حكيم له سر قاطع وذو شأن عظيم، 123 في order #42' },
  { name: 'אנה דוגמה', text: 'דג סקרן שט בים מאוכזב ולפתע מצא חברה, invoice 2026 (סופי)' },
  { name: '安娜示例', text: '視野無限廣,窗外有藍天。微風迎客,軟語伴茶。' },
  { name: 'アンナ例', text: 'いろはにほへと ちりぬるを ﾊﾝｶｸ カタカナ' },
  { name: 'अन्ना उदाहरण', text: 'ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण' },
  { name: 'Emoji 🎈', text: '👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇺🇳 e\u0301 vs é ☕️ 🙂' },
] as const;

/** What a body is made of, given a text in one script. */
const BODIES: readonly ((text: string) => Pick<SentLetter, 'text' | 'html'>)[] = [
  (text) => ({ text, html: `<p>${escaped(text)}</p>` }),
  (text) => ({ text: '', html: `<h1>${escaped(text)}</h1>\n<p>No plain text.</p>` }),
  (text) => ({ text: `${text}\n\n${text}`, html: '' }),
  (text) => ({ text: `.\n..\n.${text}\n...\n.\n`, html: `.\n<p>\n.${escaped(text)}\n</p>\n.` }),
  (text) => ({ text: `${'x'.repeat(5_000)} ${text.repeat(100)}`, html: `<p>${'y'.repeat(5_000)}</p>` }),
  (text) => ({
    text: `From ${text}\n>From here\nFrom: nobody\n\n--\n--=_x\nContent-Type: text/html`,
    html: '',
  }),
  (text) => ({
    text: `  ${text}  \n\t\n\ttab \t\n \n=20=\n=E4`,
    html: `<pre>  ${escaped(text)}\t \n </pre>`,
  }),
];

/** Files of each letter in turn; most have none. */
const FILES: readonly ((n: number, script: string) => File[])[] = [
  () => [],
  (n, script) => [file(`${script} – ${n}.pdf`, 'application/pdf', randomBytes(n, 20_000))],
  () => [],
  () => [
    file(
      'all bytes.bin',
      'application/octet-stream',
      Buffer.from(Array.from({ length: 256 }, (_, at) => at)),
    ),
  ],
  () => [],
  (n) => [
    file('dots.txt', 'text/plain', Buffer.from('.\r\n..\r\n.\n\r\r\n.\r\n'.repeat(50))),
    file(`${'very long name '.repeat(12)}${n}.csv`, 'text/csv', Buffer.alloc(0)),
  ],
  () => [],
  () => [],
  (n) => [file(`фото ${n} 📷.png`, 'image/png', randomBytes(n, 1_000 + n))],
];

/** Every fiftieth letter carries megabytes. */
const HEAVY_EVERY = 50;

/** Always the same letters, each for a mailbox of its own that begins with `user`. */
export function letters(count: number): SentLetter[] {
  return Array.from({ length: count }, (_, n) => {
    const script = SCRIPTS[n % SCRIPTS.length]!;
    const heavy = n % HEAVY_EVERY === HEAVY_EVERY - 1;
    return {
      rcpt: `user${n}${n % 20 === 7 ? '-jösé' : ''}@example.com`,
      from: { name: script.name, address: SENDER },
      subject: n % 3 === 0 ? longSubject(script.text) : `${n}: ${script.text}`,
      ...BODIES[n % BODIES.length]!(script.text),
      attachments: heavy
        ? [file(`large ${n}.zip`, 'application/zip', randomBytes(n, 3 * MEGABYTE + n))]
        : FILES[n % FILES.length]!(n, script.name),
    };
  });
}

/** The letter as `POST /v1/messages` takes it. */
export function asCall({ rcpt, from, subject, text, html, attachments }: SentLetter) {
  return {
    rcpt,
    from: `"${from.name}" <${from.address}>`,
    subject,
    ...(text === '' && html === '' ? {} : { text, html }),
    attachments: attachments.map((one) => ({ ...one, content: one.content.toString('base64') })),
  };
}

/** As a reader shows it: line ends are LF, and those at the end are dropped. */
export async function read(content: Buffer) {
  const mail = await simpleParser(content, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  return {
    subject: mail.subject,
    from: mail.from?.value.map(({ name, address }) => ({ name, address })),
    to: [mail.to ?? []].flat().flatMap(({ value }) => value.map(({ address }) => address)),
    text: lines(mail.text),
    html: lines(mail.html || undefined),
    attachments: mail.attachments.map(({ filename, contentType, content: bytes }) => ({
      filename,
      contentType,
      bytes: bytes.toString('base64'),
    })),
  };
}

/** What `read` should find. */
export function asRead({ subject, from, rcpt, text, html, attachments }: SentLetter) {
  return {
    subject,
    from: [from],
    to: [rcpt],
    text: lines(text),
    html: lines(html),
    attachments: attachments.map(({ filename, contentType, content }) => ({
      filename,
      contentType,
      bytes: content.toString('base64'),
    })),
  };
}

function lines(text = ''): string {
  return text.replaceAll('\r\n', '\n').replace(/\n+$/, '');
}

/** As many whole characters as fit. */
function longSubject(text: string): string {
  let subject = '';
  for (const character of `${text} `.repeat(SUBJECT_CHARS))
    if (subject.length + character.length <= SUBJECT_CHARS) subject += character;
  return subject.trimEnd();
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function file(filename: string, contentType: string, content: Buffer): File {
  return { filename, contentType, content };
}

/** The same bytes for the same seed. */
function randomBytes(seed: number, outputLength: number): Buffer {
  return createHash('shake256', { outputLength }).update(String(seed)).digest();
}
