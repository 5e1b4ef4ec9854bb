import type { Log } from '../log.ts';
import { errorResponse } from './errors.ts';
import type { Asked, Reply } from './route.ts';

type Emit = (name: string, value: unknown) => void;

/** Does the caller want the steps as they happen? */
export function wantsStream(headers: Asked['headers']): boolean {
  return headers.get('accept')?.includes('text/event-stream') ?? false;
}

/**
 * Answers with server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html): whatever `act` emits, then
 * `done` with its result, or `error` with the ordinary error body.
 */
export function eventStream(log: Log, act: (emit: Emit) => Promise<unknown>): Response {
  const encoder = new TextEncoder();
  // A reader that leaves ends the telling, not the act: what it began is finished.
  let isRead = true;
  const stream = new ReadableStream({
    async start(controller) {
      const emit: Emit = (name, value) => {
        if (isRead) controller.enqueue(encoder.encode(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`));
      };
      try {
        emit('done', await act(emit));
      } catch (thrown) {
        emit('error', await errorResponse(thrown, '', log).json());
      }
      if (isRead) controller.close();
    },
    cancel() {
      isRead = false;
    },
  });
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}

/** The same act, streamed or answered at once, as the caller asked. */
export async function streamOrAnswer(
  headers: Asked['headers'],
  log: Log,
  status: number,
  act: (emit: Emit) => Promise<unknown>,
): Promise<Reply | Response> {
  if (wantsStream(headers)) return eventStream(log, act);
  return { status, body: await act(() => {}) };
}
