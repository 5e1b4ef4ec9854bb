import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../config.ts';
import type { Db } from './db.ts';
import { openVault } from './master-key.ts';
import { readSetting } from './settings.ts';
import { testDb, testFolder } from './testing.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64');

interface Place {
  db: Db;
  file: string;
  open: (env?: Record<string, string>) => ReturnType<typeof openVault>;
}

async function place(): Promise<Place> {
  const folder = testFolder();
  const db = await testDb(folder);
  const open = (env = {}) => openVault(readConfig({ DATA_DIR: folder, ...env }, folder), db);
  return { db, file: join(folder, 'master.key'), open };
}

describe('the first start', () => {
  test('makes a key that only this user can read, and the next one opens with it', async () => {
    const { file, open } = await place();
    const sealed = (await open()).seal('secret', 'here');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(file, 'utf8'), 'base64')).toHaveLength(32);
    expect((await open()).open(sealed, 'here')).toBe('secret');
  });

  test('takes the key of the environment, and writes none', async () => {
    const { file, open } = await place();
    const sealed = (await open({ MASTER_KEY: KEY })).seal('secret', 'here');
    expect(existsSync(file)).toBe(false);
    expect((await open({ MASTER_KEY: KEY })).open(sealed, 'here')).toBe('secret');
  });

  test('takes a key that is there already', async () => {
    const { file, open } = await place();
    writeFileSync(file, `${KEY}\n`);
    await open();
    expect(readFileSync(file, 'utf8')).toBe(`${KEY}\n`);
  });

  test('does not write the key into the database', async () => {
    const { db, file, open } = await place();
    await open();
    const proof = await readSetting(db, 'master_key_proof');
    expect(proof).toMatch(/^v1\./);
    expect(proof).not.toContain(readFileSync(file, 'utf8').trim());
  });
});

describe('a later start is refused', () => {
  const refusals: [string, (at: Place) => Promise<unknown>, RegExp][] = [
    [
      'without the key',
      ({ file, open }) => {
        rmSync(file);
        return open();
      },
      /^The master key is missing: .*master\.key does not exist and MASTER_KEY is not set\./,
    ],
    [
      'with another key in the file',
      ({ file, open }) => {
        writeFileSync(file, OTHER_KEY);
        return open();
      },
      /^The master key in .*master\.key is not the one this database was made with\. Nothing was changed/,
    ],
    [
      'with another key in the environment',
      ({ open }) => open({ MASTER_KEY: OTHER_KEY }),
      /^MASTER_KEY is not the one/,
    ],
    [
      'with a short key',
      ({ open }) => open({ MASTER_KEY: Buffer.alloc(16).toString('base64') }),
      /^MASTER_KEY must be 32 bytes in base64\. Make one with: openssl rand -base64 32$/,
    ],
    [
      'with a key that is not base64',
      ({ open }) => open({ MASTER_KEY: `${KEY.slice(0, -4)}!!!=` }),
      /^MASTER_KEY must be/,
    ],
    [
      'with an empty file',
      ({ file, open }) => {
        writeFileSync(file, '');
        return open();
      },
      /^The master key in .*master\.key must be 32 bytes/,
    ],
  ];

  test.each(refusals)('%s, with the data and the file untouched', async (_, act, sentence) => {
    const at = await place();
    await at.open();
    const before = await readSetting(at.db, 'master_key_proof');
    const error: Error = await act(at).then(
      () => new Error('it started'),
      (thrown: Error) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toContain('\n');
    expect(await readSetting(at.db, 'master_key_proof')).toBe(before);
  });

  test('and no key is made in place of the missing one', async () => {
    const { file, open } = await place();
    await open();
    rmSync(file);
    await open().catch(() => {});
    expect(existsSync(file)).toBe(false);
  });
});

test('two first starts at the same moment end with one key that opens', async () => {
  const { open } = await place();
  const results = await Promise.allSettled([open(), open()]);
  const opened = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  expect(opened).toHaveLength(2);
  expect(opened[1]!.open(opened[0]!.seal('secret', 'here'), 'here')).toBe('secret');
});
