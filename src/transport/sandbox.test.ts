import { expect, test } from 'vitest';
import { captureOutcome } from './sandbox.ts';

test.each([
  ['ann@example.com', 1, 'accepted', 'accepted'],
  ['success@simulator.mailwright.test', 1, 'accepted', 'accepted'],
  ['complaint@simulator.mailwright.test', 1, 'accepted', 'accepted'],
  ['bounce@simulator.mailwright.test', 1, 'recipient_permanent', 'recipient_unknown'],
  ['bounce@simulator.mailwright.test', 7, 'recipient_permanent', 'recipient_unknown'],
  ['Bounce+order7@Simulator.Mailwright.Test', 1, 'recipient_permanent', 'recipient_unknown'],
  ['defer@simulator.mailwright.test', 1, 'recipient_temporary', 'greylisted'],
  ['defer@simulator.mailwright.test', 2, 'accepted', 'accepted'],
  ['anything@simulator.mailwright.test', 1, 'accepted', 'accepted'],
  ['constructor@simulator.mailwright.test', 1, 'accepted', 'accepted'],
  ['bounce@example.com', 1, 'accepted', 'accepted'],
])('%s at attempt %i is %s', (rcpt, attempt, outcomeClass, code) => {
  expect(captureOutcome(rcpt, attempt)).toMatchObject({ class: outcomeClass, code });
});

test('a bounce suppresses as a real one does, and says whom', () => {
  expect(captureOutcome('bounce@simulator.mailwright.test', 1)).toMatchObject({
    suppress: true,
    replyCode: 550,
    enhanced: '5.1.1',
    message: 'bounce@simulator.mailwright.test does not exist.',
  });
});
