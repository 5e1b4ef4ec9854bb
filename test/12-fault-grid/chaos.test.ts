import { expect, onTestFinished, test } from 'vitest';
import type { FaultStage, NamedFault, Script } from '../../src/demo-smtp/script.ts';
import { copiesOf } from '../support/ledger.ts';
import { Mailing } from './mailing.ts';

// A server that fails at random, at every stage and in many ways, and 200 messages that must come through it.
// Another run: SEED=77 npx vitest run test/12-fault-grid/chaos

const SEED = Number(process.env.SEED ?? 12);
const MESSAGES = 200;
const ODDS = 0.012;

/** Faults that pass: those that want a person would stop the server for an hour each. */
const STAGES: FaultStage[] = [
  'greet',
  'ehlo',
  'starttls',
  'handshake',
  'ehlo2',
  'auth',
  'mail',
  'rcpt',
  'data',
  'dot',
];
const FAULTS: NamedFault[] = ['rst', 'fin', '4xx', '421close', 'hang', 'double-reply', 'lose-after-accept'];
const NEEDS_A_REPLY = new Set<NamedFault>(['double-reply', 'lose-after-accept']);

const script: Script = STAGES.flatMap((stage) =>
  FAULTS.filter((fault) => stage !== 'handshake' || !NEEDS_A_REPLY.has(fault)).map((fault) => ({
    stage,
    fault,
    probability: ODDS,
  })),
);

test(`${MESSAGES} messages through a server that fails at random: none lost, none twice, uncertain only what was`, async () => {
  const mailing = new Mailing();
  await mailing.start();
  onTestFinished(() => mailing.end());
  const { smtp } = await mailing.connect({ security: 'starttls', seed: SEED }, { maxConnections: 3 });
  smtp.setScript(script);
  const ids = await mailing.sendMany(MESSAGES);
  await mailing.passUntil(ids, 'sent', 'uncertain');

  const copies = copiesOf(smtp);
  const records = await Promise.all(ids.map((id) => mailing.record(id)));
  const uncertain = records.filter(({ status }) => status === 'uncertain');
  const lost = uncertain.filter(({ id }) => copies.has(id));
  console.log(
    `seed ${SEED}: ${smtp.strikes} faults over ${smtp.totalConnections} connections, ` +
      `${uncertain.length} uncertain, of which ${lost.length} arrived`,
  );
  expect(smtp.strikes).toBeGreaterThan(20);
  expect([...copies.values()].filter((count) => count > 1)).toEqual([]);
  for (const { id, status } of records) if (status === 'sent') expect(copies.get(id)).toBe(1);
  for (const { attempts } of uncertain) expect(attempts.at(-1)).toMatchObject({ stage: 'dot', reply: null });
}, 60_000);
