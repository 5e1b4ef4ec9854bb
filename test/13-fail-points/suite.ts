import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { struckLine, timesReached } from '../../src/failpoint.ts';
import type { EndedEarly } from '../../src/selftest/program.ts';
import type { Engine } from '../../src/storage/db.ts';
import { CASES, endsOn, MUTATIONS } from './cases.ts';
import { type Asked, Stage } from './stage.ts';

const EX_CONFIG = 78;
const TWO_COPIES = /arrived too often/;
const BATCH = 101; // one more than the rows of one statement
const FEWEST_WRITES = 8;
const FEWEST_FLUSHES = 6; // the start, the two calls, and what is worked in
const FEWEST_PAGES = 3; // a marker, an outcome with the next marker, an outcome
/** So many messages on one connection, and an envelope leaves ahead (transport/smtp.ts `EARNED_AFTER`). */
const AHEAD = 8;

/** The program is killed at every point that matters (docs/crash-tests.md), on one engine. */
export function suite(engine: Engine): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(engine);
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.close());

  test.each(CASES)('$k killed $title', async (one) => {
    const { point, body, over, script } = one;
    const ends = endsOn(engine, one);
    stage.server.setScript(script ?? []);
    await stage.start(`${point}:1:kill`);
    await stage.send(stage.ask(body, over));
    await stage.dies(point);
    await stage.recoverFromDeath();
    const [[status, copies]] = (await stage.endings()) as [[string, number]];
    expect(status).toBe(ends.status);
    expect(ends.copies).toContain(copies);
    expect((await stage.judgment()).doubled).toEqual([]);
  });

  test.each([
    ['K1 killed before the commit of a call', 'accept-uncommitted', 1, false],
    ['K2 killed after the commit of a call, before the 202', 'accept-committed', 1, true],
    ['K3 killed in the middle of a batch', 'accept-rows', BATCH, false],
  ] as const)('%s: the repeat makes what was asked for, once', async (_, point, size, isStored) => {
    const call = size === 1 ? stage.ask() : stage.askForBatch(size);
    await stage.start(`${point}:1:kill`);
    const known = (await stage.trial.records()).length;
    await expect(stage.send(call)).rejects.toThrow('fetch failed');
    await stage.dies(point);
    await stage.recoverFromDeath();
    expect((await stage.trial.records()).length - known).toBe(isStored ? size : 0);
    expect(await stage.send(call)).toEqual({ isReplay: isStored });
    const endings = await stage.endings();
    expect(endings).toHaveLength(size);
    expect(endings.filter(([status, copies]) => status !== 'sent' || copies !== 1)).toEqual([]);
    expect((await stage.trial.records()).length - known).toBe(size);
  });

  test('K13 killed with the answer in the buffer of the kernel, unread', async () => {
    const program = await stage.start('dot-written:1:stop');
    const arrived = stage.server.waitFor(stage.server.ledger.length + 1);
    await stage.send(stage.ask());
    await program.said(struckLine('dot-written'));
    await arrived; // the reply follows its entry in the same turn
    await program.end('SIGKILL');
    await stage.recoverFromDeath();
    expect(await stage.endings()).toEqual([['uncertain', 1]]);
  });

  test('K12 without a crash: the line breaks after the terminator, and it is uncertain at once', async () => {
    await stage.recover('dot-written:1:drop');
    await stage.send(stage.ask());
    const [[status, copies]] = (await stage.endings()) as [[string, number]];
    expect(status).toBe('uncertain');
    expect(copies).toBeLessThanOrEqual(1);
  });

  test.each(['kill', 'drop'] as const)(
    'K12 %s after the terminator and the next envelope: one is uncertain, the others are sent once',
    async (action) => {
      const plan = `ran-ahead:1:${action}`;
      await (action === 'kill' ? stage.start(plan) : stage.recover(plan));
      await stage.send(stage.askForBatch(AHEAD));
      if (action === 'kill') {
        await stage.dies('ran-ahead');
        await stage.recoverFromDeath();
      }
      const endings = await stage.endings();
      expect(endings.filter(([status]) => status === 'uncertain')).toHaveLength(1);
      for (const [status, copies] of endings) expect(status === 'uncertain' ? [0, 1] : [1]).toContain(copies);
      expect((await stage.judgment()).broken).toEqual([]);
    },
  );

  test('K16 killed in the middle of one message to four people, one of them refused', async () => {
    stage.server.setScript([
      { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' }, match: { rcpt: 'nobody@example.com' } },
    ]);
    await stage.start('dot-replied:2:kill');
    const cc = ['nobody@example.com', 'two@example.com', 'three@example.com'];
    await stage.send(stage.ask({ cc }));
    await stage.dies('dot-replied');
    await stage.recoverFromDeath();
    const [first, nobody, ...others] = await stage.endings();
    expect(nobody).toEqual(['bounced', 0]);
    // Which of the three went second is the database's choice.
    expect([first, ...others].sort()).toEqual([
      ['sent', 1],
      ['sent', 1],
      ['uncertain', 1],
    ]);
  });

  test('K17 killed after a retry was written: its attempt and its time are kept', async () => {
    stage.server.setScript([{ stage: 'rcpt', fault: { reply: '450 4.2.0 Not now' } }]);
    await stage.start('settled:1:kill');
    await stage.send(stage.ask());
    await stage.dies('settled');
    await stage.recoverFromDeath();
    const { id, status } = (await stage.records())[0]!;
    const record = (await stage.trial.call('GET', `/v1/messages/${id}`)).body;
    expect(status).toBe('deferred');
    expect(record.attempts).toMatchObject([{ stage: 'rcpt', reply: '450 4.2.0 Not now' }]);
    expect((await stage.trial.call('POST', `/v1/messages/${id}/cancel`)).status).toBe(200);
  });

  test('K18 killed between a bounce and its block: after the repeat both are there', async () => {
    stage.server.setScript([{ stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' } }]);
    await stage.start('settle-unblocked:1:kill');
    await stage.send(stage.ask({ rcpt: 'gone@example.com' }));
    await stage.dies('settle-unblocked');
    await stage.recoverFromDeath();
    await stage.trial.drained();
    await stage.send(stage.ask({ rcpt: 'gone@example.com' }));
    expect(await stage.endings()).toEqual([
      ['bounced', 0],
      ['blocked', 0],
    ]);
  });

  test.each(['mark-wanted', 'settled'] as const)(
    'K24 stopped at %s until its lease is over: the message goes out once',
    async (point) => {
      await sleepPastTheLease(stage, engine, point, '');
      expect(await stage.endings()).toEqual([['sent', 1]]);
    },
  );

  // What PostgreSQL flushes, it has flushed before it answers, and it has no other log.
  const writes =
    engine === 'sqlite' ? (['commit', 'commit-unflushed', 'page-unflushed'] as const) : (['commit'] as const);
  const FEWEST = { commit: FEWEST_WRITES, 'commit-unflushed': FEWEST_WRITES, 'page-unflushed': FEWEST_PAGES };
  test.each(writes)(
    'K29 the nth write fails at %s, for n = 1, 2, 3, … until none does',
    async (point) => {
      for (let nth = 1; ; nth++) {
        const hasStarted = await stage.recover(`${point}:${nth}:throw`, point === 'page-unflushed').then(
          () => true,
          () => stage.recover().then(() => false),
        );
        for (const call of [stage.ask(), stage.ask()]) await insist(stage, call);
        await isAccountedFor(stage, nth);
        const hasFailed = !hasStarted || timesReached(point) >= nth;
        await stage.clear();
        if (hasFailed) continue;
        expect(nth).toBeGreaterThan(FEWEST[point]);
        return;
      }
    },
    120_000,
  );

  if (engine === 'sqlite')
    test.each([
      ['commit-unflushed', FEWEST_FLUSHES],
      ['page-unflushed', FEWEST_PAGES],
    ] as const)(
      'K29 killed at %s for the nth time, for n = 1, 2, 3, … until all are over',
      async (point, fewest) => {
        for (let nth = 1; ; nth++) {
          const calls = [stage.ask(), stage.ask()];
          if (!(await stage.diesOrEnds(`${point}:${nth}:kill`, calls))) {
            expect(nth).toBeGreaterThan(fewest);
            return;
          }
          await stage.recoverFromDeath();
          for (const call of calls) await insist(stage, call);
          await isAccountedFor(stage, nth);
          await stage.clear();
        }
      },
      120_000,
    );

  describe('K30 with a rule taken out, the judge sees two copies', () => {
    test.each(MUTATIONS)('$rule at $k', async ({ rule, point }) => {
      await stage.start(`without-${rule},${point}:1:kill`);
      await stage.send(stage.ask());
      await stage.dies(point);
      await stage.recoverFromDeath(`without-${rule}`);
      expect((await stage.judgment()).broken.join()).toMatch(TWO_COPIES);
    });

    // On SQLite nobody else can have taken the message meanwhile: there is no second worker.
    if (engine === 'postgres')
      test('P5 at K24', async () => {
        await sleepPastTheLease(stage, engine, 'mark-wanted', 'without-P5');
        expect((await stage.judgment()).broken.join()).toMatch(TWO_COPIES);
      });
  });
}

async function isAccountedFor(stage: Stage, nth: number): Promise<void> {
  const { broken, uncertain } = await stage.judgment();
  expect({ nth, broken }).toEqual({ nth, broken: [] });
  expect(uncertain).toBeLessThanOrEqual(1);
}

/** As a caller does who has an Idempotency-Key. */
async function insist(stage: Stage, call: Asked): Promise<void> {
  while (
    !(await stage.send(call).then(
      () => true,
      () => false,
    ))
  );
}

/** The holder of a message stands still, before its dot or after its outcome; when its lease is over, it wakes and goes on. */
async function sleepPastTheLease(
  stage: Stage,
  engine: Engine,
  point: 'mark-wanted' | 'settled',
  failPlan: string,
): Promise<void> {
  const sleeper = await stage.start([`${point}:1:stop`, failPlan].filter(Boolean).join());
  await stage.send(stage.ask());
  await sleeper.said(struckLine(point));
  if (engine === 'postgres') {
    await stage.recover(failPlan); // a second worker, which takes the message over and sends it
    await stage.trial.drained();
    sleeper.send('SIGCONT');
    expect(await sleeper.end('SIGTERM')).toBe(0);
    return;
  }
  // A second worker may not be there; the sleeper itself takes the message again.
  await expect(stage.start('')).rejects.toMatchObject({ code: EX_CONFIG } satisfies Partial<EndedEarly>);
  await stage.trial.start('api');
  while ((await stage.records())[0]!.status === 'sending');
  sleeper.send('SIGCONT');
  await stage.trial.drained();
}
