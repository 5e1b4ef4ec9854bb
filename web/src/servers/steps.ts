import type { ApiError } from '../api.ts';
import type { StepView } from './queries.ts';

type StepName = StepView['name'];
export type Step = Omit<StepView, 'status'> & { status: StepView['status'] | 'pending' };

export const STEP_WORDS: Record<StepName, string> = {
  connect: 'Connect',
  encrypt: 'Encrypt',
  sign_in: 'Sign in',
};

const NAMES: StepName[] = ['connect', 'encrypt', 'sign_in'];

export const PENDING_STEPS: Step[] = NAMES.map((name) => ({ name, status: 'pending', durationMs: 0 }));

/** The steps after news of one of them. */
export function afterStep(steps: Step[], news: StepView): Step[] {
  return steps.map((step) => (step.name === news.name ? news : step));
}

/** The steps of a check that failed. The error may name its stage without a step having been reported. */
export function afterFailure(steps: Step[], error: ApiError): Step[] {
  if (steps.some((step) => step.status === 'failed')) return steps;
  const at = steps.findIndex((step) => step.name === stepOfStage(error.detail.stage));
  return steps.map((step, index) =>
    index === at
      ? { ...step, status: 'failed' }
      : step.status === 'running'
        ? { ...step, status: 'pending' }
        : step,
  );
}

/** An error without a stage is about what was typed; nobody was called yet. */
export function cameFromSession(error: ApiError): boolean {
  return typeof error.detail.stage === 'string';
}

/** The server's own words, as far as it said any. */
export function replyOf(error: ApiError): string | null {
  return typeof error.detail.reply === 'string' ? error.detail.reply : null;
}

function stepOfStage(stage: unknown): StepName {
  if (stage === 'auth') return 'sign_in';
  return stage === 'tls' || stage === 'starttls' || stage === 'ehlo' ? 'encrypt' : 'connect';
}
