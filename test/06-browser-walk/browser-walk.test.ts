import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { hasChromium, launchBrowser, watch } from '../support/browser.ts';
import { callApi, type Program, startProgram } from '../support/program.ts';

// The ten-minute walk of the README, in the browser: each step stands on the ones before it.
describe.skipIf(!hasChromium)('the walk in the browser (skipped without the Debian package chromium)', () => {
  let dataDir: string;
  let program: Program;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let first: FakeServer;
  let second: FakeServer;
  let apiKey: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'mailwright-walk-'));
    program = await startProgram(dataDir);
    first = await startFakeServer({ security: 'starttls', users: { demo: 'right' } });
    second = await startFakeServer({ security: 'none' });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(10_000);
    complaints = watch(page, program.url);
  });
  afterAll(async () => {
    await browser.close();
    await program.end('SIGTERM');
    await first.stop();
    await second.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const go = (path: string) => page.goto(program.url + path);
  const field = (name: string) => page.getByRole('textbox', { name, exact: true });
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const see = (text: string | RegExp) => page.getByText(text).first().waitFor();

  test('the first-run link leads to a workspace and its API key', async () => {
    await go(`/setup?token=${program.setupToken}`);
    await page.getByLabel('Email').fill('owner@example.com');
    await page.getByLabel('Password').fill('a long enough password');
    await page.getByLabel('Workspace').fill('Example');
    await button('Create workspace').click();
    await see('Your workspace is ready');
    apiKey = (await page.locator('body').innerText()).match(/mw_live_[a-z0-9]+/)![0];
    expect((await callApi(program.url, apiKey, 'GET', '/v1/workspace')).body.name).toBe('Example');
  });

  test('a template is written, previewed and saved', async () => {
    await go('/templates/new');
    await see('Sandbox: mail is kept here');
    await field('Name').fill('Welcome');
    await field('Subject').fill('Hi {{ name | "there" }}');
    await page.getByLabel('HTML', { exact: true }).fill('<h1>Hello {{ name | "there" }}</h1>');
    await page.frameLocator('iframe').getByText('Hello there').waitFor();
    await button('Save template').click();
    await see(/Saved .*version 1/);
  });

  test('a message sent in sandbox is captured and on record', async () => {
    const { body } = await send('ada');
    await go('/messages');
    await page.getByText('ada@example.com').first().click();
    await page.waitForURL(`**/messages/${body.id}`);
    await page.frameLocator('iframe').getByText('Hello ada').waitFor();
    await see(/Captured/);
  });

  test('a server with a wrong password says what is wrong, in the form', async () => {
    await fillServer(first, 'First', 'wrong');
    await button('Save server').click();
    await see('Is it your own mail server?');
    await button('Allow').click();
    await see(/rejected the user name or password for demo/);
    expect((await callApi(program.url, apiKey, 'GET', '/v1/servers')).body.data).toEqual([]);
  });

  test('with the right password it is connected', async () => {
    await page.getByLabel('Password', { exact: true }).fill('right');
    await button('Save server').click();
    await see('First is connected');
    await page.getByText('Sandbox: mail is kept here').waitFor({ state: 'detached' });
  });

  test('a second server is added and preferred by the template; twenty messages go through it', async () => {
    await fillServer(second, 'Second');
    await button('Save server').click();
    await button('Allow').click();
    await see('Second is connected');
    await go('/templates/welcome');
    await page.getByLabel('Preferred email server').selectOption({ label: 'Second' });
    await button('Save template').click();
    await see(/version 2/);
    for (let at = 0; at < 20; at++) await send(`user${at}`);
    await second.waitFor(20);
    expect(first.ledger).toHaveLength(0);
    await go('/messages');
    await see('user19@example.com');
  });

  test('deleting it tells the consequences, and the template falls back', async () => {
    await go('/settings/email-servers');
    await page
      .getByRole('link', { name: /Second/ })
      .first()
      .click();
    await button(/^Delete server/).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByText('welcome').first().waitFor();
    await dialog.getByRole('button', { name: 'Delete server' }).click();
    await see('Second is deleted');
    await see(/now uses the random choice/);
    await button('Back to servers').click();
    const { body } = await callApi(program.url, apiKey, 'GET', '/v1/templates/welcome');
    expect(body.server).toBeNull();
    await send('grace');
    await first.waitFor(1);
  });

  test('deleting the last one leads back to sandbox', async () => {
    await go('/settings/email-servers');
    await page.getByRole('link', { name: /First/ }).first().click();
    await button(/^Delete server/).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete server' }).click();
    await see('The workspace is in the sandbox');
    await button('Back to servers').click();
    await see('Sandbox: mail is kept here');
    const { body } = await send('linus');
    await go(`/messages/${body.id}`);
    await see(/Captured/);
  });

  test('the pages complained about nothing and called nobody else', () => {
    expect(complaints).toEqual([]);
  });

  const send = (name: string) =>
    callApi(program.url, apiKey, 'POST', '/v1/messages', {
      rcpt: `${name}@example.com`,
      templateSlug: 'welcome',
      variables: { name },
    });

  async function fillServer(server: FakeServer, name: string, password?: string): Promise<void> {
    await go('/settings/email-servers/new');
    await page.getByText('Other / Generic SMTP').click();
    await field('Host').fill(server.host);
    await field('Port').fill(String(server.port));
    await page.getByRole('radio', { name: password ? /Use STARTTLS/ : /No encryption/ }).check();
    if (password) {
      await field('Username').fill('demo');
      await page.getByLabel('Password', { exact: true }).fill(password);
    }
    await page.getByText('Advanced').click();
    await field('Name optional').fill(name);
    if (password) await field('CA certificate optional').fill(server.caPem);
  }
});
