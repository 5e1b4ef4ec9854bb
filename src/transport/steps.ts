import type { Clock } from '../clock.ts';

/** What somebody who waits for a verification sees: Connect · Encrypt · Sign in. */
export interface Step {
  name: 'connect' | 'encrypt' | 'sign_in';
  status: 'running' | 'ok' | 'skipped' | 'failed';
  /** Milliseconds; 0 while running and when skipped. */
  durationMs: number;
}

/** Tells the steps of one opening as they begin and end. */
export class Steps {
  readonly #clock: Clock;
  readonly #tell: (step: Step) => void;
  #current: { name: Step['name']; since: number } | undefined;

  constructor(clock: Clock, tell: ((step: Step) => void) | undefined) {
    this.#clock = clock;
    this.#tell = tell ?? (() => {});
  }

  /** Begins a step; the one before it went well. */
  begin(name: Step['name']): void {
    this.end();
    this.#current = { name, since: this.#clock.monotonic() };
    this.#tell({ name, status: 'running', durationMs: 0 });
  }

  skip(name: Step['name']): void {
    this.end();
    this.#tell({ name, status: 'skipped', durationMs: 0 });
  }

  end(): void {
    this.#finish('ok');
  }

  fail(): void {
    this.#finish('failed');
  }

  #finish(status: 'ok' | 'failed'): void {
    if (!this.#current) return;
    const { name, since } = this.#current;
    this.#current = undefined;
    this.#tell({ name, status, durationMs: Math.round(this.#clock.monotonic() - since) });
  }
}
