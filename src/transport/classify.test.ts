import { describe, expect, test } from 'vitest';
import { classify } from './classify.ts';
import { CONSEQUENCES } from './outcome.ts';
import { REPLY_RULES } from './reply-rules.ts';
import { CONTEXT, explain } from './testing.ts';
import { VERDICTS } from './verdicts.ts';

const ses = { preset: 'aws_ses', host: 'email-smtp.eu-west-1.amazonaws.com' };

describe('who pays', () => {
  test('only a bad recipient is suppressed', () => {
    const suppressing = Object.entries(VERDICTS).filter(
      ([, verdict]) => CONSEQUENCES[verdict.class].suppress,
    );
    expect(suppressing.map(([name]) => name).sort()).toEqual([
      'domain_unknown',
      'mailbox_disabled',
      'recipient_unknown',
    ]);
  });

  test('nothing before RCPT is ever blamed on a recipient, whatever the server writes', () => {
    const lines = [
      '550 5.1.1 User unknown',
      '550 no such user',
      '552 5.2.2 mailbox full',
      '450 greylisted',
      '556 5.1.10 no',
    ];
    for (const stage of ['greet', 'ehlo', 'starttls', 'auth', 'mail'] as const) {
      for (const line of lines) expect(explain(stage, line).blame, `${stage}: ${line}`).not.toBe('recipient');
    }
  });

  test('a limit of this server lets another one try, a limit of the recipient does not', () => {
    expect(explain('dot', '552 5.3.4 Too big').failover).toBe(true);
    expect(explain('dot', '552 5.2.3 Too big').failover).toBe(false);
  });

  test('a fault of one sender is marked as such, so that others go on', () => {
    expect(explain('mail', '553 5.7.1 Sender address rejected: not owned by user').scope).toBe('sender');
    expect(explain('mail', '535 5.7.8 Sign in first').scope).toBeUndefined();
  });
});

describe('the terminator was written', () => {
  test.each(['timeout', 'closed', 'malformed'] as const)(
    'and then %s: nobody knows, and nothing is resent',
    (kind) => {
      const outcome = classify({ stage: 'dot', failure: { kind }, context: CONTEXT });
      expect(outcome).toMatchObject({
        class: 'uncertain',
        code: 'uncertain',
        retry: false,
        failover: false,
        suppress: false,
      });
    },
  );

  test.each(['mail', 'rcpt', 'data', 'body'] as const)(
    'not yet, at %s: nothing was sent, and it is tried again',
    (stage) => {
      const outcome = classify({ stage, failure: { kind: 'closed' }, context: CONTEXT });
      expect(outcome).toMatchObject({ class: 'network', code: 'connection_lost', retry: true });
    },
  );
});

describe('what is shown', () => {
  test('is the reply with its digits, without control characters, at most 512 long', () => {
    const outcome = explain('dot', `550 5.7.1 \x1b[31mNo\x07 ${'x'.repeat(2_000)}`);
    expect(outcome.reply).toMatch(/^550 5\.7\.1 \[31mNo x+$/);
    expect(outcome.reply).toHaveLength(512);
    expect(outcome).toMatchObject({ replyCode: 550, enhanced: '5.7.1' });
  });

  test('names what the provider named', () => {
    const line =
      '554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@shop.example, b@shop.example';
    expect(explain('dot', line, ses).message).toContain(
      'SES (EU-WEST-1) has not verified a@shop.example, b@shop.example.',
    );
  });

  test('knows a provider by its host when no preset was chosen', () => {
    const outcome = explain('auth', '535 Authentication Credentials Invalid', { ...ses, preset: 'generic' });
    expect(outcome.code).toBe('auth_ses');
    expect(outcome.message).toContain('made for region eu-west-1');
  });

  test.each(REPLY_RULES.map(({ id, verdict }) => [id, verdict] as const))(
    'rule %s has a sentence without holes',
    (_, verdict) => {
      const known = new Set(
        'server host port user from rcpt helo domain fromDomain region ofRegion identity meant reply asId'.split(
          ' ',
        ),
      );
      const used = [...VERDICTS[verdict].says.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
      expect(used.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  test('rules have ids of their own', () => {
    const ids = REPLY_RULES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("the server's own id", () => {
  test.each([
    [
      '250 Ok 0102018f0c1d2e3f-5a5b5c5d-0000-1111-2222-333344445555-000000',
      '0102018f0c1d2e3f-5a5b5c5d-0000-1111-2222-333344445555-000000',
    ],
    ['250 2.0.0 Ok: queued as 4bXyZ12345z', '4bXyZ12345z'],
    ['250 OK id=1tF3Ab-0000000Abc1-2DeF', '1tF3Ab-0000000Abc1-2DeF'],
    [
      '250 2.0.0 OK  1732350000 a640c23a62f3a-aa4f1e2d3sm123456b.12 - gsmtp',
      'a640c23a62f3a-aa4f1e2d3sm123456b.12',
    ],
    [
      '250 2.6.0 <abc@shop.example> [InternalId=12345, Hostname=X.example] 1234 bytes in 0.1 Queued mail for delivery',
      'abc@shop.example',
    ],
    ['250 Ok', undefined],
    ['250 2.0.0 Message accepted for delivery', undefined],
  ])('%s', (line, id) => {
    expect(explain('dot', line).serverMessageId).toBe(id);
  });
});

test('no pattern takes long, whatever is written', () => {
  const started = performance.now();
  for (const filler of ['a', ' ', 'sender ', 'account ', 'quota exceeded ', 'user ', 'spf ', 'limit ']) {
    explain('dot', `550 ${filler.repeat(8_000 / filler.length)}`);
    explain('rcpt', `450 ${filler.repeat(8_000 / filler.length)}`);
  }
  expect(performance.now() - started).toBeLessThan(500);
});
