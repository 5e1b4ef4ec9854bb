import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { readConfig } from '../config.ts';
import { pauseRestored } from '../queue/pause.ts';
import { FLOOR_BYTES } from '../storage/disk.ts';
import { flushesPerSecond } from '../storage/flush-rate.ts';
import { openVault } from '../storage/master-key.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import {
  clockFinding,
  databaseChecks,
  diskChecks,
  engineFinding,
  type Finding,
  fileSystemFinding,
  flushFinding,
  keyCheck,
  queueChecks,
  schemaFinding,
  spaceFinding,
} from './doctor-checks.ts';

const MINUTE = 60_000;
const KEY = Buffer.alloc(32, 7).toString('base64');

describe('what is measured is judged', () => {
  test.each<[Finding, Finding['status'], RegExp]>([
    [fileSystemFinding({ name: 'ext4', reach: 'local' }, '/d'), 'ok', /^$/],
    [fileSystemFinding({ name: 'nfs', reach: 'network' }, '/d'), 'bad', /Move \/d to a local disk/],
    [
      fileSystemFinding({ name: 'tmpfs', reach: 'memory' }, '/d'),
      'bad',
      /All is lost when the machine stops/,
    ],
    [fileSystemFinding({ name: '0x1', reach: 'unknown' }, '/d'), 'warn', /local disk/],
    [flushFinding(400), 'ok', /^$/],
    [flushFinding(36_000), 'warn', /flushes may not reach it/],
    [flushFinding(9), 'warn', /slow/],
    [spaceFinding(100 * FLOOR_BYTES), 'ok', /^$/],
    [spaceFinding(2 * FLOOR_BYTES), 'warn', /Free some space soon/],
    [spaceFinding(FLOOR_BYTES - 1), 'bad', /nothing is accepted or sent/],
    [schemaFinding({ current: 2, newest: 2 }), 'ok', /^$/],
    [schemaFinding({ current: 1, newest: 2 }), 'warn', /mailwright migrate/],
    [schemaFinding({ current: 3, newest: 2 }), 'bad', /newer Mailwright/],
    [clockFinding(-40), 'ok', /^$/],
    [clockFinding(20_000), 'warn', /NTP/],
    [clockFinding(3_600_000), 'bad', /NTP/],
    [
      engineFinding('postgres', {
        version: '17',
        settings: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'off' },
      }),
      'bad',
      /synchronous_commit=off a power cut may lose/,
    ],
    [
      engineFinding('sqlite', { version: '3', settings: { journal_mode: 'wal', synchronous: 'off' } }),
      'bad',
      /Set it to normal/,
    ],
  ])('%o', (finding, status, advice) => {
    expect([finding.status, finding.advice ?? '']).toEqual([status, expect.stringMatching(advice)]);
  });
});

test('the real disk of the data folder is measured, and nothing stays behind', async () => {
  const folder = testFolder();
  expect(flushesPerSecond(folder, systemClock, 20)).toBeGreaterThan(0);
  expect(readdirSync(folder)).toEqual([]);
  const config = readConfig({ DATA_DIR: join(folder, 'missing') }, folder);
  expect(await diskChecks(config, systemClock)).toMatchObject([{ check: 'disk', status: 'bad' }]);
});

describe('the master key', () => {
  const setting = async (env: Record<string, string> = {}) => {
    const folder = testFolder();
    return { db: await testDb(folder), config: readConfig({ DATA_DIR: folder, ...env }, folder) };
  };

  test('is not made by looking', async () => {
    const { db, config } = await setting();
    expect((await keyCheck(config, db)).status).toBe('ok');
    expect(readdirSync(config.dataDir).filter((name) => name.includes('key'))).toEqual([]);
  });

  test('in its file: right, readable by others, wrong, malformed, missing; the key itself is never shown', async () => {
    const { db, config } = await setting();
    await openVault(config, db);
    expect(await keyCheck(config, db)).toMatchObject({
      status: 'ok',
      value: expect.stringContaining('mode 0600'),
    });
    chmodSync(config.masterKeyFile, 0o644);
    expect(await keyCheck(config, db)).toMatchObject({
      status: 'warn',
      advice: expect.stringContaining('chmod 600'),
    });
    writeFileSync(config.masterKeyFile, KEY);
    const wrong = await keyCheck(config, db);
    expect(wrong.status).toBe('bad');
    writeFileSync(config.masterKeyFile, 'short');
    const malformed = await keyCheck(config, db);
    expect(malformed).toMatchObject({ status: 'bad', advice: expect.stringContaining('32 bytes') });
    expect(JSON.stringify([wrong, malformed])).not.toMatch(new RegExp(`${KEY.slice(0, 12)}|short`));
    const gone = { ...config, masterKeyFile: join(config.dataDir, 'gone') };
    expect(await keyCheck(gone, db)).toMatchObject({
      status: 'bad',
      value: expect.stringContaining('missing'),
    });
  });

  test('from the environment', async () => {
    const { db, config } = await setting({ MASTER_KEY: KEY });
    await openVault(config, db);
    expect(await keyCheck(config, db)).toMatchObject({ status: 'ok', value: 'from MASTER_KEY' });
    const other = { ...config, masterKey: Buffer.alloc(32, 8).toString('base64') };
    expect((await keyCheck(other, db)).status).toBe('bad');
  });
});

describe.each(ENGINES)('on $engine', ({ engine, open }) => {
  test('the engine of the tests says how it commits', async () => {
    const findings = await databaseChecks(await testDb(testFolder(), open), systemClock);
    expect(findings.map((one) => one.status)).toEqual(
      engine === 'sqlite' ? ['ok', 'ok'] : ['ok', 'ok', 'ok'],
    );
    expect(findings[0]!.value).toMatch(
      engine === 'sqlite'
        ? /^SQLite 3\S+, journal_mode=wal synchronous=normal, each commit flushed/
        : /^PostgreSQL .*fsync=on/,
    );
  });

  test('a queue that does not move is noticed: what is late, doubtful, abandoned, paused', async () => {
    const db = await testDb(testFolder(), open);
    const statuses = async () =>
      Object.fromEntries((await queueChecks(db, NOON)).map((one) => [one.check, one.status]));
    expect(await statuses()).toEqual({
      sending: 'ok',
      queue: 'ok',
      leases: 'ok',
      uncertain: 'ok',
      servers: 'ok',
    });
    const old = { created_at: NOON - 20 * MINUTE, due_at: NOON - 20 * MINUTE };
    await insertRows(db, old, { ...old, lease_owner: 'w' }, { state: 'uncertain' });
    expect(await statuses()).toEqual({
      sending: 'ok',
      queue: 'warn',
      leases: 'bad',
      uncertain: 'warn',
      servers: 'ok',
    });
    await pauseRestored(db, { reason: 'Old.', until: NOON }, NOON);
    expect(await statuses()).toMatchObject({ sending: 'warn', leases: 'ok' });
  });
});
