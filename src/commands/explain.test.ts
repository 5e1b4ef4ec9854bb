import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPLY_LINES } from '../testing/reply-lines.ts';
import { explainCommand } from './explain.ts';

class Collected extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the command as the shell would. */
async function explain(args: string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const [output, errors] = [new Collected(), new Collected()];
  const code = await explainCommand(args, { input: Readable.from([input]), output, errors });
  return { code, out: output.text, err: errors.text };
}

async function verdicts(input: string, ...options: string[]): Promise<Record<string, unknown>[]> {
  const { out } = await explain(['--json', ...options, '-'], input);
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const FIELDS = ['code', 'class', 'blame', 'suppress', 'retry', 'failover', 'message', 'rule'];

describe('in words', () => {
  test('the sentence comes first, then what follows from it and why', async () => {
    const { code, out } = await explain(['550 5.1.1 <ann@example.org>: User unknown']);
    expect(code).toBe(0);
    expect(out).toMatch(/^ann@example\.org does not exist\.\n/);
    expect(out).toMatch(/ {2}code +recipient_unknown\n/);
    expect(out).toMatch(/ {2}suppress +yes\n/);
    expect(out).toMatch(/ {2}stage +rcpt \(the most telling one/);
    expect(out).toMatch(/ {2}rule +unknown-user: servers without enhanced codes/);
  });

  test('a stage that was told is not called a guess', async () => {
    const { out } = await explain(['--stage', 'dot', '250 2.0.0 Ok: queued as 4bXyZ12345z']);
    expect(out).toMatch(/^Accepted by the server as 4bXyZ12345z\.\n/);
    expect(out).toMatch(/ {2}stage +dot\n/);
  });
});

describe('as JSON', () => {
  test('one object for one reply, with exactly the promised fields', async () => {
    const { out } = await explain(['--json', '454 Throttling failure: Maximum sending rate exceeded.']);
    expect(Object.keys(JSON.parse(out))).toEqual(FIELDS);
    expect(JSON.parse(out)).toMatchObject({
      code: 'ses_rate',
      class: 'server_deferral',
      blame: 'server',
      suppress: false,
      retry: true,
      failover: true,
      rule: 'ses-rate',
    });
  });

  test('every collected reply, in one stream', async () => {
    const lines = REPLY_LINES.map((line) => `${line.stage}\t${line.reply.replaceAll('\n', '\\n')}`);
    const read = await verdicts(`${lines.join('\n')}\n`);
    expect(read.map(({ code }) => code)).toEqual(REPLY_LINES.map(({ code }) => code));
  });

  test.each([
    ['nothing', '', 'protocol', 'network'],
    ['words', 'Something went wrong', 'protocol', 'network'],
    ['a code that no server may send', '600 Ok', 'protocol', 'network'],
    ['words after the dot', 'dot\tSomething went wrong', 'uncertain', 'uncertain'],
    ['nothing after the dot', 'dot\t', 'uncertain', 'uncertain'],
    ['another protocol', 'HTTP/1.1 400 Bad Request', 'not_smtp', 'server_attention'],
    ['a greeting', '220 mx.example.org ESMTP', 'step_taken', 'accepted'],
    ['an invitation to send', '354 Go ahead', 'step_taken', 'accepted'],
    ['an invitation to send where none belongs', 'dot\t354 Go ahead', 'uncertain', 'uncertain'],
    ['a label that is no stage', 'x\t550 5.1.1 No', 'recipient_unknown', 'recipient_permanent'],
    [
      'a line of a Postfix log',
      'host mx.example.org[192.0.2.7] said: 554 Mailbox unavailable (in reply to end of DATA command)',
      'rejected',
      'message_permanent',
    ],
    [
      'a line of an Exim log',
      'SMTP error from remote mail server after RCPT TO:<ann@example.org>: 550 Mailbox unavailable',
      'recipient_unknown',
      'recipient_permanent',
    ],
    ['what a library says', 'Error: Invalid login: 535 5.7.8 Bad', 'auth_rejected', 'server_attention'],
    ['a line of a bounce', 'smtp; 550 5.1.1 User unknown', 'recipient_unknown', 'recipient_permanent'],
    ['several lines', '550-5.7.26 Fails\\n550 5.7.26 SPF', 'auth_dns', 'server_attention'],
  ])('%s is read', async (_, line, code, outcomeClass) => {
    expect(await verdicts(`${line}\n`)).toMatchObject([{ code, class: outcomeClass }]);
  });

  test('one line out for each line in, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[245]\d\d[ -]?[\w .<>@:;-]{0,40}$/)),
        ),
        async (given) => {
          const lines = given.map((line) => line.replaceAll('\n', ' '));
          const read = await verdicts(lines.map((line) => `${line}\n`).join(''));
          expect(read.map((one) => Object.keys(one))).toEqual(lines.map(() => FIELDS));
        },
      ),
    );
  });

  test('a preset, a host and a stage for all lines', async () => {
    const line = '535 5.7.8 Authentication failed\n';
    expect(await verdicts(line, '--server', 'gmail')).toMatchObject([{ code: 'auth_app_password' }]);
    expect(await verdicts(line, '--host', 'smtp.postmarkapp.com')).toMatchObject([{ code: 'auth_postmark' }]);
    expect(await verdicts('550 No\n', '--stage', 'mail')).toMatchObject([{ code: 'sender_not_allowed' }]);
  });
});

describe('a call that cannot be meant is answered with a sentence and exit code 64', () => {
  test.each([
    [[], /one reply line in quotes, or -/],
    [['550', 'No'], /one reply line in quotes/],
    [['--stage', 'lunch', '550 No'], /no stage "lunch"\. Stages: greet, .*dot\./],
    [['--server', 'nobody', '550 No'], /no preset "nobody"\. Presets: aws_ses, gmail/],
  ])('%j', async (args, sentence) => {
    const { code, out, err } = await explain(args);
    expect([code, out]).toEqual([64, '']);
    expect(err).toMatch(sentence);
  });
});
