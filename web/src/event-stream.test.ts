import { expect, test } from 'vitest';
import { eventsOf, type StreamEvent } from './event-stream.ts';

const STREAM =
  ': hello\n\nevent: step\ndata: {"name":"connect"}\n\nevent: done\r\ndata: {\r\ndata: }\r\n\r\n';
const EVENTS: StreamEvent[] = [
  { type: 'step', data: '{"name":"connect"}' },
  { type: 'done', data: '{\n}' },
];

test('comments are skipped, lines of one event are joined, both line endings count', async () => {
  expect(await read([STREAM])).toEqual(EVENTS);
});

test('it does not matter where the network cuts, not even within a character', async () => {
  const bytes = new TextEncoder().encode('data: größer\n\n');
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(await read([bytes.slice(0, cut), bytes.slice(cut)])).toEqual([
      { type: 'message', data: 'größer' },
    ]);
  }
  expect(await read([...STREAM.replaceAll('\r', '')])).toEqual(EVENTS);
});

test('an event that was cut off is not reported', async () => {
  expect(await read(['event: done\ndata: {}\n'])).toEqual([]);
});

test('a stream without an end of event is given up', async () => {
  await expect(read(['data: ', 'x'.repeat(1_000_001)])).rejects.toThrow(RangeError);
});

async function read(parts: (string | Uint8Array)[]): Promise<StreamEvent[]> {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(typeof part === 'string' ? encoder.encode(part) : part);
      controller.close();
    },
  });
  return Array.fromAsync(eventsOf(body));
}
