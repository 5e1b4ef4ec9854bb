import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callApi, type Program, projectRoot, startProgram } from '../support/program.ts';
import { blockOf, blocksOf, type Page, pageAt, quotedIn, sectionOf } from './markdown.ts';
import { hasCommand, missing } from './programs.ts';
import { type Call, callsIn, Terminal } from './terminal.ts';

// The ten-minute walk of the README as its reader pastes it: only ports, the folder and the key are replaced.

const walk = sectionOf(pageAt('README.md'), 'Ten minutes');
const FIRST_DEMO_PORT = 3025;
const ASK_AGAIN_MS = 15_000;

describe.skipIf(!hasCommand('curl'))(`the ten minutes of the README${missing('curl')}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-walk-'));
  let program: Program;
  let apiKey: string;
  let second: Terminal;
  let third: Terminal;
  let demoPorts: string[];

  beforeAll(() => {
    second = new Terminal(folder);
    third = new Terminal(folder);
  });
  afterAll(async () => {
    await Promise.all([second.close(), third.close(), program?.end('SIGTERM')]);
    rmSync(folder, { recursive: true });
  });

  /** With the ports and the folder of this run. */
  const here = (lines: string) =>
    lines
      .replaceAll('localhost:3000', new URL(program.url).host)
      .replaceAll('/tmp/', `${folder}/`)
      .replaceAll('mw_live_...', apiKey)
      .replace(/"port": (\d+)/g, (_, port) => `"port": ${demoPorts[Number(port) - FIRST_DEMO_PORT]}`);

  /** Pastes what a step says to paste. */
  const paste = (step: string) => second.paste(here(walkBlock(step)));
  const calls = async (step: string) => callsIn(await paste(step));
  const value = async (name: string) => (await second.paste(`echo "$${name}"`)).trim();

  /** Enters the last line of a step again until it answers as the step says it will. */
  const again = async (step: string, holds: (call: Call) => boolean): Promise<Call> => {
    const line = here(walkBlock(step)).split('\n').at(-1)!;
    const deadline = performance.now() + ASK_AGAIN_MS;
    for (;;) {
      const [call] = callsIn(await second.paste(line));
      if (holds(call!)) return call!;
      if (performance.now() > deadline) throw new Error(`Still ${JSON.stringify(call)} at: ${line}`);
    }
  };
  const mode = async () => (await callApi(program.url, apiKey, 'GET', '/v1/workspace')).body.mode;

  test('every step of it is one of those below', () => {
    expect(stepTitles()).toEqual([
      '1. Start it.',
      '2. Start SMTP servers to try.',
      '3. Make a template',
      '4. Send it in the sandbox.',
      '5. Add a server with the wrong password',
      '6. Now with the right one.',
      '7. Add a second one, and prefer it in the template',
      '8. Send through it.',
      '9. Delete it.',
      '10. Delete the last one.',
    ]);
  });

  test('1. it prints a first-run link, which makes a user and shows the API key', async () => {
    expect(blockOf('walk-start')).toBe('npm start');
    expect(readFileSync(join(projectRoot, 'scripts/start.ts'), 'utf8')).toMatch(
      /'src', 'main\.ts'\), 'serve'/,
    );
    program = await startProgram(join(folder, 'data'));
    const { status, body } = await callApi(program.url, '', 'POST', '/v1/setup', {
      token: program.setupToken,
      email: 'you@example.com',
      password: 'a long enough password',
      workspace: 'Example',
    });
    expect(status).toBe(201);
    expect(body.apiKey).toMatch(/^mw_live_\w+$/);
    apiKey = body.apiKey;
    await paste('1. ');
    expect(await value('AUTH')).toBe(`Authorization: Bearer ${apiKey}`);
  });

  test('2. the demo servers print the table', async () => {
    third.enter(`${here(blockOf('walk-servers'))} --port 0`);
    const shown = columns((await third.shows('Ctrl+C')).split('\n\n')[0]!);
    const told = columns(blockOf('walk-servers-output'));
    demoPorts = shown.slice(1).map((row) => row[1]!);
    expect(new Set(demoPorts).size).toBe(6);
    const renumbered = shown.map((row, at) =>
      row.with(1, at === 0 ? row[1]! : String(FIRST_DEMO_PORT + at - 1)),
    );
    expect(renumbered).toEqual(told);
  });

  test('3. the template is made', async () => {
    const [made] = await calls('3. ');
    expect(made).toMatchObject({ status: 201, body: { slug: 'welcome', version: 1, server: null } });
  });

  test('4. the message is queued, then captured; the addresses of the simulator end as told', async () => {
    const [accepted, listed] = await calls('4. ');
    const told = quotedIn(stepText('4. '));
    expect(told).toEqual(expect.arrayContaining(['queued', 'captured', 'bounce@simulator.mailwright.test']));
    expect(accepted).toMatchObject({ status: 202, body: { status: 'queued' } });
    expect(listed!.body.data).toMatchObject([{ id: accepted!.body.id, subject: 'Welcome, Ada' }]);
    await again('4. ', ({ body }) => body.data[0].status === 'captured');

    await second.paste(
      here(walkBlock('4. ')).replaceAll('ada@example.com', 'bounce@simulator.mailwright.test'),
    );
    await again('4. ', ({ body }) => body.data[0].status === 'bounced');
    await second.paste(
      here(walkBlock('4. ')).replaceAll('ada@example.com', 'defer@simulator.mailwright.test'),
    );
    await again('4. ', ({ body }) => body.data[0].status === 'deferred');
  });

  test('5. the wrong password is refused as told, and nothing is stored', async () => {
    const told = stepText('5. ').replace(/\s+/g, ' ');
    const [, status, code, message] = /is (\d{3}) `(\w+)`: \*(.+?)\*/.exec(told)!;
    const steps = /the steps: (.+?)\./.exec(told)![1]!.split(', ');
    const [refused] = await calls('5. ');
    expect(refused).toMatchObject({
      status: Number(status),
      body: { error: { code, message, detail: { reply: expect.stringMatching(/^535 /) } } },
    });
    expect(
      refused!.body.error.detail.steps.map(
        (step: { name: string; status: string }) => `${step.name} ${step.status}`,
      ),
    ).toEqual(steps);
    expect((await callApi(program.url, apiKey, 'GET', '/v1/servers')).body.data).toEqual([]);
    expect(await mode()).toBe('sandbox');
  });

  test('6. the right one is stored, and the workspace is live', async () => {
    const [added] = await calls('6. ');
    expect(added).toMatchObject({ status: 201, body: { name: 'First', hasPassword: true } });
    expect(await value('FIRST')).toBe(added!.body.id);
    expect(await mode()).toBe('live');
  });

  test('7. the template prefers the second one', async () => {
    const [added, changed, explained] = await calls('7. ');
    const { id } = added!.body;
    expect(added).toMatchObject({ status: 201, body: { name: 'Second' } });
    expect(await value('SECOND')).toBe(id);
    expect(changed).toMatchObject({ status: 200, body: { slug: 'welcome', version: 2, server: id } });
    expect(explained).toMatchObject({ status: 200, body: { mode: 'preferred', chosen: id } });
  });

  test('8. the message arrives there, and the record has the reply of the server', async () => {
    await paste('8. ');
    const record = await again('8. ', ({ body }) => body.status === 'sent');
    expect(record.body).toMatchObject({
      id: await value('MESSAGE'),
      server: { name: 'Second' },
      attempts: [{ outcome: 'accepted', stage: 'dot', reply: expect.stringMatching(/^250 /) }],
    });
    expect(await third.shows('-> ada@example.com')).toMatch(/^open: .*-> ada@example\.com/m);
  });

  test('9. deleting it names the template that preferred it', async () => {
    const [deleted] = await calls('9. ');
    expect(deleted).toMatchObject({ status: 200, body: { clearedTemplates: ['welcome'], mode: 'live' } });
  });

  test('10. deleting the last one leads back to the sandbox', async () => {
    const [deleted, workspace] = await calls('10. ');
    expect(deleted).toMatchObject({ status: 200, body: { mode: 'sandbox' } });
    expect(workspace).toMatchObject({ status: 200, body: { mode: 'sandbox' } });
  });
});

/** The step whose title begins like this. */
function stepText(start: string): string {
  const step = walk.text.split(/^(?=\*\*\d+\. )/m).find((text) => text.startsWith(`**${start}`));
  if (!step) throw new Error(`The walk has no step "${start}".`);
  return step;
}

function stepTitles(): string[] {
  return [...walk.text.matchAll(/^\*\*(\d+\. .+?)\*\*/gm)].map((match) => match[1]!);
}

/** What a step says to paste into the second terminal. */
function walkBlock(start: string): string {
  const step: Page = { path: walk.path, text: stepText(start) };
  const [block, ...more] = blocksOf(step).filter(({ kind }) => kind === 'walk');
  if (!block || more.length > 0)
    throw new Error(`Step "${start}" has ${more.length} blocks too many, or none.`);
  return block.text;
}

/** A table as the program prints it: its columns are two or more spaces apart. */
function columns(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
}
