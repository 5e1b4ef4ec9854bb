import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import { eventStream, streamOrAnswer, wantsStream } from './event-stream.ts';

const log = pino({ level: 'silent' });

test.each([
  ['text/event-stream', true],
  ['application/json, text/event-stream;q=0.9', true],
  ['*/*', false],
  ['', false],
])('a caller that accepts %j wants a stream: %s', (accept, expected) => {
  expect(wantsStream(new Headers({ accept }))).toBe(expected);
});

describe('a stream', () => {
  test('tells what happens, then how it ended', async () => {
    const response = eventStream(log, async (emit) => {
      emit('step', { name: 'connect' });
      emit('step', { text: 'two\nlines' });
      return { ok: true };
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(await response.text()).toBe(
      'event: step\ndata: {"name":"connect"}\n\n' +
        'event: step\ndata: {"text":"two\\nlines"}\n\n' +
        'event: done\ndata: {"ok":true}\n\n',
    );
  });

  test('ends with the ordinary error', async () => {
    const text = await eventStream(log, async () => {
      throw new AppError('connect_refused', 'Nothing listens there.', { field: 'port' });
    }).text();
    expect(text).toBe(
      'event: error\ndata: {"error":{"code":"connect_refused","message":"Nothing listens there.","field":"port"}}\n\n',
    );
  });

  test('never shows what is ours to mend', async () => {
    const text = await eventStream(log, async () => {
      throw new Error('secret-canary');
    }).text();
    expect(text).toContain('internal_error');
    expect(text).not.toContain('canary');
  });

  test('whose reader has left does not disturb the act', async () => {
    const left = Promise.withResolvers<void>();
    const acted = Promise.withResolvers<string>();
    const response = eventStream(log, async (emit) => {
      emit('step', 1);
      await left.promise;
      try {
        emit('step', 2);
        acted.resolve('finished');
      } catch (error) {
        acted.resolve(`disturbed: ${error}`);
      }
      return {};
    });
    await response.body!.cancel();
    left.resolve();
    expect(await acted.promise).toBe('finished');
  });
});

test('who does not ask for a stream gets one answer', async () => {
  const reply = await streamOrAnswer(new Headers(), log, 201, async (emit) => {
    emit('step', 1);
    return { id: 1 };
  });
  expect(reply).toEqual({ status: 201, body: { id: 1 } });
});
