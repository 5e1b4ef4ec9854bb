import { Check, Minus, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Fold } from '../ui/page.tsx';
import { durationWords } from '../ui/time.tsx';
import { STEP_WORDS, type Step } from './steps.ts';

/** Why a step did not succeed, and the way on. */
interface Failure {
  message: string;
  /** The server's own words. */
  reply: string | null;
  actions: ReactNode;
  /** Nothing is wrong yet: a person is asked first. */
  asks?: boolean;
}

interface StepsPanelProps {
  steps: Step[];
  /** Shown under the step it belongs to. */
  failure?: Failure | undefined;
}

/** Connect · Encrypt · Sign in, each ticking with its duration. */
export function StepsPanel({ steps, failure }: StepsPanelProps) {
  return (
    <ol
      aria-label="Check of the server"
      aria-live="polite"
      className="divide-y divide-line rounded-card border border-line bg-surface"
    >
      {steps.map((step) => (
        <li key={step.name} className="px-4 py-2.5">
          <div className="flex items-center gap-3">
            <StepMark status={step.status === 'failed' && failure?.asks ? 'asks' : step.status} />
            <span className={step.status === 'pending' ? 'text-ink-faint' : 'font-medium'}>
              {STEP_WORDS[step.name]}
            </span>
            <span className="ml-auto text-ink-soft text-sm tabular-nums">{resultWords(step)}</span>
          </div>
          {step.status === 'failed' && failure && <FailureNote {...failure} />}
        </li>
      ))}
    </ol>
  );
}

function FailureNote({ message, reply, actions }: Failure) {
  return (
    <div role="alert" className="animate-appear mt-2 mb-1 ml-8">
      <p>{message}</p>
      {actions && <div className="mt-3 flex flex-wrap gap-2">{actions}</div>}
      {reply && (
        <div className="mt-3">
          <Fold summary="What the server said">
            <pre className="mt-2 overflow-x-auto whitespace-pre-wrap rounded-control bg-sunk px-3 py-2 font-mono text-sm">
              {reply}
            </pre>
          </Fold>
        </div>
      )}
    </div>
  );
}

function resultWords({ name, status, durationMs }: Step): string {
  if (status === 'running') return 'under way';
  if (status === 'skipped') return name === 'encrypt' ? 'off' : 'not needed';
  if (status === 'pending') return '';
  return status === 'failed' && durationMs === 0 ? 'failed' : durationWords(durationMs);
}

function StepMark({ status }: { status: Step['status'] | 'asks' }) {
  const circle =
    'flex size-5 shrink-0 items-center justify-center rounded-full [&_svg]:size-3 [&_svg]:stroke-[3]';
  switch (status) {
    case 'ok':
      return (
        <span className={`${circle} bg-sent text-surface`}>
          <Check aria-label="done" />
        </span>
      );
    case 'failed':
      return (
        <span className={`${circle} bg-failed text-surface`}>
          <X aria-label="failed" />
        </span>
      );
    case 'asks':
      return <span className={`${circle} bg-captured font-semibold text-surface text-xs`}>?</span>;
    case 'skipped':
      return (
        <span className={`${circle} bg-line text-ink-soft`}>
          <Minus aria-label="skipped" />
        </span>
      );
    case 'running':
      return <span className={`${circle} animate-spin border-2 border-line border-t-accent`} />;
    default:
      return <span className={`${circle} border-2 border-line`} />;
  }
}
