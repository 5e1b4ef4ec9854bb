import { quotedPrintable } from './encode.ts';

const MAX_LINE = 75; // RFC 2045 §6.7 rule 5, without the = of a soft break
const LINE_END = '\r\n';
/** What quoted-printable leaves as it is in every place of a line: no dot in front (it may start the line), no blank behind. */
const PLAIN = /^(?!\.)[ -<>-~]*[!-<>-~]$/;

/** A part of one line of a template, with what can be said about it whatever stands in front and behind. */
export interface Fragment {
  readonly text: string;
  /** In quoted-printable, for a line that is not too long. Undefined where the encoding depends on the neighbors. */
  readonly encoded: string | undefined;
  readonly endsInBlank: boolean;
}

/** The beginning of a line that goes on. */
export function beginOf(text: string): Fragment {
  return fragment(text, () => quotedPrintable(`${text}x`).slice(0, -1));
}

/** The inside of a line. */
export function insideOf(text: string): Fragment {
  return fragment(text, () => quotedPrintable(`x${text}x`).slice(1, -1));
}

/** The end of a line, with its LF. */
export function endOf(text: string): Fragment {
  return fragment(text, () => quotedPrintable(`x${text}`).slice(1));
}

function fragment(text: string, encode: () => string): Fragment {
  const isUncertain =
    text.length > MAX_LINE || text.startsWith('.') || /\r(?!\n)/.test(text) || !text.isWellFormed();
  return { text, encoded: isUncertain ? undefined : encode(), endsInBlank: /[ \t]$/.test(text) };
}

/**
 * Lines in which values stand between texts of a template. Nearly all of them are short and plain: then they are
 * the encoded texts and the values as they are. All others are encoded as a whole, with the same result.
 */
export class Lines {
  /** The whole lines so far. */
  private done = '';
  private open = '';
  /** The open line encoded, undefined when it has to be encoded as a whole. */
  private encoded: string | undefined = '';
  private endsInBlank = false;

  value(text: string): void {
    this.open += text;
    if (this.encoded === undefined) return;
    this.encoded = text.length <= MAX_LINE && PLAIN.test(text) ? this.encoded + text : undefined;
    this.endsInBlank = false;
  }

  add({ text, encoded, endsInBlank }: Fragment): void {
    this.open += text;
    if (this.encoded === undefined || text === '') return;
    this.encoded = encoded === undefined ? undefined : this.encoded + encoded;
    this.endsInBlank = endsInBlank;
  }

  /** Ends the open line. */
  end(fragment: Fragment): void {
    // A blank in front of the line end is escaped (rule 3).
    if (this.endsInBlank && fragment.encoded === LINE_END) this.encoded = undefined;
    this.add(fragment);
    this.close(MAX_LINE + LINE_END.length);
  }

  /** Whole lines, where no line is open. */
  addEncoded(lines: string): void {
    this.done += lines;
  }

  /** What was written since it was last taken. A line that is open ends here. */
  take(): string {
    if (this.endsInBlank) this.encoded = undefined;
    this.close(MAX_LINE);
    const { done } = this;
    this.done = '';
    return done;
  }

  private close(maxLength: number): void {
    const { encoded } = this;
    this.done += encoded !== undefined && encoded.length <= maxLength ? encoded : quotedPrintable(this.open);
    this.open = '';
    this.encoded = '';
    this.endsInBlank = false;
  }
}
