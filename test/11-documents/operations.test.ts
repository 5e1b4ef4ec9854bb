import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { postgresUrlFor } from '../../src/storage/testing.ts';
import { callApi, type Program, projectRoot, runProgram, startProgram } from '../support/program.ts';
import { blockOf, pageAt, quotedIn, rowsOf, sectionOf } from './markdown.ts';
import { hasCommand, missing } from './programs.ts';
import { Terminal } from './terminal.ts';

// What the README tells those who run Mailwright: setting it up, copies, settings, the proxy, the service.

const INSTALLED = '/opt/mailwright';
const PASSWORD = 'a long enough password';
const base = mkdtempSync(join(tmpdir(), 'mailwright-operations-'));
afterAll(() => rmSync(base, { recursive: true }));

function emptyFolder(name: string): string {
  const folder = join(base, name);
  mkdirSync(folder);
  return folder;
}

describe('an installation and its copies', () => {
  const folder = emptyFolder('original');
  const dataDir = join(folder, 'data');
  const later = new Date(Date.now() + 3_600_000).toISOString();
  let program: Program;
  let apiKey: string;
  let messageId: string;

  beforeAll(async () => {
    program = await startProgram(dataDir);
  });
  afterAll(() => program.end('SIGTERM'));

  test('setup makes the first user beside the running program', async () => {
    const terminal = new Terminal(folder, { cwd: projectRoot, env: { DATA_DIR: dataDir, PASSWORD } });
    const made = JSON.parse(await terminal.paste(blockOf('setup')));
    await terminal.close();
    expect(made).toEqual({
      apiKey: expect.stringMatching(/^mw_live_\w+$/),
      workspaceId: expect.stringMatching(/^\w+$/),
    });
    apiKey = made.apiKey;
    const { status, body } = await callApi(program.url, apiKey, 'POST', '/v1/messages', {
      rcpt: 'ada@example.com',
      subject: 'Hello',
      text: 'Hello Ada',
      sendAt: later,
    });
    expect(status).toBe(202);
    messageId = body.id;
  });

  test('migrate works beside the running program', async () => {
    expect((await runProgram(['migrate'], { DATA_DIR: dataDir })).code).toBe(0);
    expect((await fetch(`${program.url}/readyz`)).status).toBe(200);
  });

  test.skipIf(!hasCommand('sqlite3'))(
    `a copy of the running database is restored${missing('sqlite3')}`,
    async () => {
      const terminal = new Terminal(folder, { cwd: folder });
      await terminal.paste(blockOf('backup'));
      await terminal.close();
      await restored('copied-running', join(folder, 'mailwright-backup.db'));
    },
  );

  test('without its key a copy does not start, and says so', async () => {
    const target = emptyFolder('without-key');
    await program.end('SIGTERM');
    copyFileSync(join(dataDir, 'mailwright.db'), join(target, 'mailwright.db'));
    const { code, stderr } = await runProgram(['serve'], { DATA_DIR: target, PORT: '0' });
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 78, lines: 1 });
    expect(stderr).toContain('master.key');
  });

  test('a copy of the stopped database is restored', () =>
    restored('copied-stopped', join(dataDir, 'mailwright.db')));

  test.skipIf(!inject('postgresUrl'))(
    `the stopped installation is moved to PostgreSQL${inject('postgresUrl') ? '' : ' (install the Debian package postgresql)'}`,
    async () => {
      const url = await postgresUrlFor(base);
      const env = { DATA_DIR: dataDir };
      const terminal = new Terminal(folder, { cwd: projectRoot, env });
      const block = blockOf('move');
      const printed = await terminal.paste(block.replace(/postgres:\S+/, url));
      await terminal.close();
      expect(printed).toMatch(/^Moved: \d+ rows in \d+ tables, all compared/);
      expect(printed).toContain(join(dataDir, 'master.key'));
      const moved = await startProgram(dataDir, { DATABASE_URL: url, ROLE: 'api' });
      const path = `/v1/messages/${messageId}`;
      expect((await callApi(moved.url, apiKey, 'GET', path)).body).toMatchObject({ status: 'scheduled' });
      await moved.end('SIGTERM');
    },
  );

  /** Started with ROLE=api first, as the page says: what is queued can be seen, and canceled. */
  async function restored(name: string, copy: string): Promise<void> {
    const target = emptyFolder(name);
    copyFileSync(copy, join(target, 'mailwright.db'));
    copyFileSync(join(dataDir, 'master.key'), join(target, 'master.key'));
    const second = await startProgram(target, { ROLE: 'api' });
    const path = `/v1/messages/${messageId}`;
    expect((await callApi(second.url, apiKey, 'GET', path)).body).toMatchObject({ status: 'scheduled' });
    expect((await callApi(second.url, apiKey, 'POST', `${path}/cancel`)).status).toBe(200);
    expect((await callApi(second.url, apiKey, 'GET', path)).body).toMatchObject({ status: 'cancelled' });
    await second.end('SIGTERM');
  }
});

describe('the settings', () => {
  const unit = blockOf('unit');
  const fromUnit = Object.fromEntries(
    /^Environment=(.*)$/m
      .exec(unit)![1]!
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  );
  const networks = rowsOf(sectionOf(pageAt('README.md'), 'Settings'))
    .filter(([name]) => name === '`SMTP_ALLOW_PRIVATE`')
    .flatMap(([, , meaning]) => quotedIn(meaning!))[0]!;

  test('the examples start the program, and an address with https makes the cookie Secure', async () => {
    const started = await startProgram(emptyFolder('settings'), {
      PUBLIC_URL: fromUnit.PUBLIC_URL!,
      SMTP_ALLOW_PRIVATE: networks,
      SMTP_PRIVATE: 'forbid',
    });
    for (const path of ['/healthz', '/readyz']) expect((await fetch(started.url + path)).status).toBe(200);
    const answer = await fetch(`${started.url}/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        token: started.setupToken,
        email: 'you@example.com',
        password: PASSWORD,
        workspace: 'Example',
      }),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('set-cookie')).toContain('; Secure');
    await started.end('SIGTERM');
  });

  test('a wrong one ends the start with one line and the exit code of the README', async () => {
    const [, code] = /one line and exit code (\d+)/.exec(pageAt('README.md').text)!;
    const ended = await runProgram(['serve'], { DATA_DIR: base, ROLE: 'both' });
    expect({ code: ended.code, lines: ended.stderr.trim().split('\n').length }).toEqual({
      code: Number(code),
      lines: 1,
    });
    expect(unit).toContain(`RestartPreventExitStatus=${code}`);
  });

  test('the programs that the service starts are there', () => {
    const text = sectionOf(pageAt('README.md'), 'As a service').text;
    const started = [...text.matchAll(/ExecStart=(\S+)(?: (scripts\/\S+))?/g)].flatMap(
      ([, program, script]) =>
        [program!.replace(INSTALLED, projectRoot), script && join(projectRoot, script)].filter(
          (path) => path,
        ),
    );
    expect(started).toHaveLength(3);
    expect(started.filter((path) => !existsSync(path!))).toEqual([]);
  });

  test.skipIf(!hasCommand('systemd-analyze'))(
    `systemd has nothing to say against the unit${missing('systemd-analyze')}`,
    () => {
      const file = join(base, 'mailwright.service');
      writeFileSync(file, unit.replaceAll(INSTALLED, projectRoot));
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  test.skipIf(!hasCommand('caddy'))(`Caddy takes its configuration${missing('caddy')}`, () => {
    const file = join(base, 'Caddyfile');
    writeFileSync(file, blockOf('caddy'));
    const { status, stderr } = spawnSync('caddy', ['adapt', '--config', file], { encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});
