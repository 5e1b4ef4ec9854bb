import { describe, expect, test } from 'vitest';
import { REPLY_LINES } from '../testing/reply-lines.ts';
import { classify } from './classify.ts';
import { guessStage } from './guess-stage.ts';
import { parseReply } from './reply.ts';
import { CONTEXT } from './testing.ts';

const cases = REPLY_LINES.map(
  (line) => [line.source, line.reply.slice(0, 90).replaceAll('\n', ' '), line] as const,
);

test('the collection is large and from many servers', () => {
  expect(REPLY_LINES.length).toBeGreaterThan(170);
  expect(new Set(REPLY_LINES.map((line) => line.source)).size).toBeGreaterThan(20);
});

describe('without knowing the provider', () => {
  test.each(cases)('%s: %s', (_, __, line) => {
    const outcome = classify({ stage: line.stage, reply: parseReply(line.reply)!, context: CONTEXT });
    expect({ code: outcome.code, class: outcome.class }).toEqual({ code: line.code, class: line.class });
    expect(outcome.suppress).toBe(line.class === 'recipient_permanent');
    expect(outcome.message).not.toMatch(/[{}]|undefined/);
  });
});

describe('without the stage', () => {
  test.each(cases.filter(([, , line]) => !line.needsStage))('%s: %s', (_, __, line) => {
    const reply = parseReply(line.reply)!;
    const context = { server: 'the server', host: 'smtp.example.net', port: 587 };
    const outcome = classify({ stage: guessStage(reply, context), reply, context });
    expect({ code: outcome.code, class: outcome.class }).toEqual({ code: line.code, class: line.class });
  });
});

test('no line of ours, the policy of a receiver or the state of a server ever blocks an address, at any stage', () => {
  const innocent = REPLY_LINES.filter((line) => line.class !== 'recipient_permanent');
  for (const line of innocent) {
    for (const stage of ['greet', 'ehlo', 'starttls', 'auth', 'mail', 'data', 'body', 'dot'] as const) {
      const outcome = classify({ stage, reply: parseReply(line.reply)!, context: CONTEXT });
      expect(outcome.suppress, `${stage}: ${line.reply}`).toBe(false);
    }
  }
});
