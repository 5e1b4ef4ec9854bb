import { classify } from './classify.ts';
import type { Outcome, Stage } from './outcome.ts';
import type { Reply } from './reply.ts';

/** Addresses at this domain end in a way of one's choice. The name can never exist (RFC 6761). */
export const SIMULATOR_DOMAIN = 'simulator.mailwright.test';

type Ending = (attempt: number) => [Stage, Reply];

const ACCEPTED: [Stage, Reply] = ['dot', { code: 250, lines: ['2.0.0 Ok: captured'] }];

const ENDINGS: Record<string, Ending> = {
  success: () => ACCEPTED,
  bounce: () => ['rcpt', { code: 550, lines: ['5.1.1 No such user'] }],
  defer: (attempt) => (attempt > 1 ? ACCEPTED : ['rcpt', { code: 451, lines: ['4.2.0 Try again later'] }]),
  complaint: () => ACCEPTED, // the complaint itself comes later, as a real one does
};

/**
 * What becomes of a message in the sandbox, where nothing is sent: captured, unless the address asks for another end.
 * `success@`, `bounce@`, `defer@` (accepted from the second attempt on) and `complaint@` obey; a tag after + is ignored.
 * @param attempt 1 for the first
 */
export function captureOutcome(rcpt: string, attempt: number): Outcome {
  const [local = '', domain = ''] = rcpt.toLowerCase().split('@');
  const word = local.replace(/\+.*$/, '');
  const isAsked = domain === SIMULATOR_DOMAIN && Object.hasOwn(ENDINGS, word);
  const [stage, reply] = isAsked ? ENDINGS[word]!(attempt) : ACCEPTED;
  return classify({
    stage,
    reply,
    context: { server: 'the sandbox', host: SIMULATOR_DOMAIN, port: 0, rcpt },
  });
}
