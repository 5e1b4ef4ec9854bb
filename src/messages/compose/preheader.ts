const HIDDEN = 'display:none;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all';
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Puts the line that inboxes show behind the subject (plain text, escaped here) in front of all the body's content. */
export function insertPreheader(html: string, preheader: string): string {
  const text = preheader.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
  const at = contentStart(html);
  return `${html.slice(0, at)}<div style="${HIDDEN}">${text}</div>${html.slice(at)}`;
}

/** Behind the opening body tag; without one behind the head; a fragment has neither. */
function contentStart(html: string): number {
  const body = /<body[\s>]/i.exec(html);
  if (body) return tagEnd(html, body.index);
  const head = /<\/head\s{0,10}>/i.exec(html);
  return head ? head.index + head[0].length : 0;
}

/** The index behind the > of the tag that starts at `start`. A > inside of a quoted attribute does not end it. */
function tagEnd(html: string, start: number): number {
  let quote = '';
  for (let at = start; at < html.length; at++) {
    const character = html[at]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '>') {
      return at + 1;
    } else if (character === '"' || character === "'") {
      quote = character;
    }
  }
  return 0;
}
