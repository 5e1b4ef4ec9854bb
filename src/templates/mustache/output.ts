import { TemplateLimitError } from './errors.ts';

export interface RenderLimits {
  /** Characters (UTF-16 units) of the rendered text. */
  readonly maxOutput?: number;
  /** How often sections may show their content, all together. */
  readonly maxIterations?: number;
}

/** Text of the template itself: the same object in every rendering, so that work on it need not be done twice. */
export interface StaticText {
  readonly text: string;
}

/** A piece of a rendered text: of the template, or from a value. */
export type Part = string | StaticText;

export function joined(parts: readonly Part[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : part.text)).join('');
}

const MAX_OUTPUT = 2_000_000;
const MAX_ITERATIONS = 100_000;

/** Parts of the template evaluated inside sections: long sections that print nothing pass the other two bounds. */
const MAX_PARTS = 1_000_000;

/** What is rendered so far. Its bounds are what stops a rendering: no clock is involved. */
export class Output {
  readonly parts: Part[] = [];
  private readonly maxOutput: number;
  private readonly maxIterations: number;
  private iterations = 0;
  private length = 0;
  private evaluated = 0;

  constructor(limits: RenderLimits) {
    this.maxOutput = limits.maxOutput ?? MAX_OUTPUT;
    this.maxIterations = limits.maxIterations ?? MAX_ITERATIONS;
  }

  /** @throws TemplateLimitError when the text becomes too long */
  add(part: Part): void {
    if (part === '') return;
    this.parts.push(part);
    this.length += (typeof part === 'string' ? part : part.text).length;
    if (this.length > this.maxOutput) {
      throw new TemplateLimitError(`The rendered text is longer than ${this.maxOutput} characters.`);
    }
  }

  /**
   * Counts one showing of a section with so many parts.
   * @throws TemplateLimitError when there were too many
   */
  countIteration(parts: number): void {
    this.iterations++;
    this.evaluated += parts;
    if (this.iterations > this.maxIterations) {
      throw new TemplateLimitError(
        `The sections of the template repeat more than ${this.maxIterations} times.`,
      );
    }
    if (this.evaluated > MAX_PARTS) {
      throw new TemplateLimitError(
        `The sections of the template hold more than ${MAX_PARTS} parts when repeated.`,
      );
    }
  }
}
