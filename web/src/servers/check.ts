import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, stream } from '../api.ts';
import type { StepView } from './queries.ts';
import { afterFailure, afterStep, PENDING_STEPS, type Step } from './steps.ts';

export interface CheckCall {
  method: 'POST' | 'PATCH';
  path: string;
  body?: unknown;
}

/** A call that opens a real session, with its steps as they happen. Everything that shows servers is read anew after it. */
export function useCheck<Answer>(onDone?: (answer: Answer) => void) {
  const queryClient = useQueryClient();
  const [steps, setSteps] = useState<Step[]>(PENDING_STEPS);
  const check = useMutation({
    mutationFn: ({ method, path, body }: CheckCall) => {
      setSteps(PENDING_STEPS);
      return stream<StepView, Answer>(method, path, body, (news) =>
        setSteps((current) => afterStep(current, news)),
      );
    },
    onSuccess: (answer) => {
      void queryClient.invalidateQueries({ queryKey: ['servers'] });
      void queryClient.invalidateQueries({ queryKey: ['me'] });
      onDone?.(answer);
    },
    onError: (error) => {
      if (error instanceof ApiError) setSteps((current) => afterFailure(current, error));
    },
  });
  return {
    steps,
    begin: check.mutate,
    reset: check.reset,
    running: check.isPending,
    answer: check.data,
    error: check.error,
  };
}
