/** One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface StreamEvent {
  type: string;
  data: string;
}

/** An event longer than this is not one of ours. */
const MAX_EVENT_CHARACTERS = 1_000_000;

/**
 * Reads server-sent events from the body of an answer. `EventSource` cannot be used: it only sends GET.
 * @throws RangeError when an event does not end
 */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      rest += decoder.decode(chunk.value, { stream: true });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      if (rest.length > MAX_EVENT_CHARACTERS) throw new RangeError('an event of the stream does not end');
      for (const block of blocks) yield* eventOf(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A block of nothing but comments is no event; such lines keep the connection open. */
function* eventOf(block: string): Generator<StreamEvent> {
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ''] = /^([a-z]+):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'event') type = value;
    if (name === 'data') data.push(value);
  }
  if (data.length > 0) yield { type, data: data.join('\n') };
}
