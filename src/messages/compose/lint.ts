const BODY_IS_ASCII = /^[\u0000-\u007f]*$/;
const MAX_LINE = 998; // RFC 5322 §2.1.1
const MAX_FOLDED = 78;
const EXACTLY_ONE = ['from', 'date', 'message-id', 'mime-version', 'content-type'];
const AT_MOST_ONE = ['to', 'cc', 'reply-to', 'subject', 'content-transfer-encoding', 'x-mailwright-id'];

/** The rules of RFC 5322, 2045 and 2047 that a message breaks, a sentence each; empty for a clean one. For tests. */
export function lintMessage(content: Buffer): string[] {
  const text = content.toString('latin1');
  const split = text.indexOf('\r\n\r\n');
  const header = text.slice(0, split);
  const problems = [
    [split < 0, 'no blank line ends the header'],
    [/\r(?!\n)|(?<!\r)\n/.test(text), 'a bare CR or LF'],
    [text.includes('\0'), 'a NUL'],
    [!text.endsWith('\r\n'), 'the last line has no end'],
    [text.split('\r\n').some((line) => line.length > MAX_LINE), `a line longer than ${MAX_LINE}`],
    [!BODY_IS_ASCII.test(text.slice(split)), 'the body is not 7bit'],
  ] as const;
  return [...problems.filter(([broken]) => broken).map(([, problem]) => problem), ...lintHeader(header)];
}

/** The names of the header's fields in lower case, as they stand. */
export function fieldNames(content: Buffer): string[] {
  const text = content.toString('latin1');
  const lines = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return lines
    .filter((line) => !line.startsWith(' '))
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
}

function lintHeader(header: string): string[] {
  const problems: string[] = [];
  for (const line of header.split('\r\n')) {
    if (!/^(?:[\x21-\x39\x3b-\x7e]+:| )/.test(line))
      problems.push(`neither a field nor a continuation: ${line}`);
    if (line.trim() === '') problems.push('a blank line inside of a field');
    if (/[ \t]$/.test(line)) problems.push(`a blank at the end of: ${line}`);
    if (
      line.length > MAX_FOLDED &&
      line
        .trim()
        .replace(/^\S+: /, '')
        .includes(' ')
    )
      problems.push(`not folded: ${line}`);
    for (const word of line.match(/=\?[^? ]*\?[QB]\?[^? ]*\?=/g) ?? []) {
      if (word.length > 75 || line.length > 76) problems.push(`an encoded-word too long: ${line}`);
    }
  }
  const names = fieldNames(Buffer.from(`${header}\r\n\r\n`, 'latin1'));
  const count = (name: string) => names.filter((other) => other === name).length;
  for (const name of EXACTLY_ONE) if (count(name) !== 1) problems.push(`${count(name)} fields ${name}`);
  for (const name of AT_MOST_ONE) if (count(name) > 1) problems.push(`${count(name)} fields ${name}`);
  return problems;
}
