import { Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Wire } from './wire.ts';

test('every reply has its whole time, counted from when it is waited for', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const socket = new Socket();
  const wire = new Wire(socket, 'rcpt');

  const first = wire.reply(1_000);
  vi.advanceTimersByTime(900);
  socket.emit('data', Buffer.from('250 Ok\r\n'));
  expect((await first).code).toBe(250);

  vi.advanceTimersByTime(900); // nobody waits: nothing runs out
  const ends: string[] = [];
  const second = wire.reply(1_000).catch((stop) => ends.push(stop.cause.failure.kind));
  await vi.advanceTimersByTimeAsync(999);
  expect(ends).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  await second;
  expect(ends).toEqual(['timeout']);

  const third = wire.reply(500).catch((stop) => ends.push(stop.cause.failure.kind));
  await vi.advanceTimersByTimeAsync(500);
  await third;
  expect(ends).toEqual(['timeout', 'timeout']);
  wire.destroy();
  expect(vi.getTimerCount()).toBe(0);
});
