const IS_UNSAFE = /[&<>"']/;
const UNSAFE = /[&<>"']/g;
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const REFERENCE = /&(?:amp|lt|gt|quot|apos|nbsp|#34|#39|#160);/g;
const CHARACTERS: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#34;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&nbsp;': '\u00a0',
  '&#160;': '\u00a0',
};

/** Text as HTML, safe as content and inside a quoted attribute. The apostrophe too: attributes stand in either quote. */
export function escapeHtml(text: string): string {
  if (!IS_UNSAFE.test(text)) return text; // as most are, and a look costs less than a replacement
  return text.replace(UNSAFE, (character) => REFERENCES[character]!);
}

/** The text that an author meant where an HTML editor wrote character references: those that editors make, no others. */
export function decodeReferences(html: string): string {
  return html.replace(REFERENCE, (reference) => CHARACTERS[reference]!);
}
