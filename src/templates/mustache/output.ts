import { TemplateLimitError } from './errors.ts';

export interface RenderLimits {
  /** Characters (UTF-16 units) of the rendered text. */
  readonly maxOutput?: number;
  /** How often sections may show their content, all together. */
  readonly maxIterations?: number;
}

const MAX_OUTPUT = 2_000_000;
const MAX_ITERATIONS = 100_000;

/** Parts of the template evaluated inside sections: long sections that print nothing pass the other two bounds. */
const MAX_PARTS = 1_000_000;

/** The text rendered so far. Its bounds are what stops a rendering: no clock is involved. */
export class Output {
  text = '';
  private readonly maxOutput: number;
  private readonly maxIterations: number;
  private iterations = 0;
  private parts = 0;

  constructor(limits: RenderLimits) {
    this.maxOutput = limits.maxOutput ?? MAX_OUTPUT;
    this.maxIterations = limits.maxIterations ?? MAX_ITERATIONS;
  }

  /** @throws TemplateLimitError when the text becomes too long */
  add(text: string): void {
    this.text += text;
    if (this.text.length > this.maxOutput) {
      throw new TemplateLimitError(`The rendered text is longer than ${this.maxOutput} characters.`);
    }
  }

  /**
   * Counts one showing of a section with so many parts.
   * @throws TemplateLimitError when there were too many
   */
  countIteration(parts: number): void {
    this.iterations++;
    this.parts += parts;
    if (this.iterations > this.maxIterations) {
      throw new TemplateLimitError(
        `The sections of the template repeat more than ${this.maxIterations} times.`,
      );
    }
    if (this.parts > MAX_PARTS) {
      throw new TemplateLimitError(
        `The sections of the template hold more than ${MAX_PARTS} parts when repeated.`,
      );
    }
  }
}
