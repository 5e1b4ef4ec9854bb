import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { notify } from '../../src/notices/notify.ts';
import { connectServer } from '../../src/testing/servers.ts';
import { OWNER, type TestApp, testApp } from '../../src/testing/test-app.ts';
import { hasChromium, launchBrowser, watch } from '../support/browser.ts';

const UNCERTAIN = ['ada', 'grace', 'linus'];

// What needs a person, dealt with in the browser: a dead address, mail without an answer, a notice. Each step stands on
// the ones before it.
describe.skipIf(!hasChromium)('what needs a person (skipped without the Debian package chromium)', () => {
  let running: TestApp;
  let server: FakeServer;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let origin: string;

  beforeAll(async () => {
    running = await testApp();
    origin = `http://localhost:${running.port}`;
    server = await startFakeServer({ security: 'none' });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(10_000);
    complaints = watch(page, origin);
    await connectServer(running, server, { name: 'First' });
    await page.request.post(`${origin}/v1/session`, {
      data: { email: OWNER.email, password: OWNER.password },
    });
  });
  afterAll(async () => {
    await browser.close();
    await running.stop();
    await server.stop();
  });

  const go = (path: string) => page.goto(origin + path);
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const see = (text: string | RegExp) => page.getByText(text).first().waitFor();
  const send = async (name: string): Promise<string> =>
    (
      await running.call('POST', '/v1/messages', {
        rcpt: `${name}@example.com`,
        subject: 'Hello',
        text: 'Hello',
      })
    ).body.id;
  const statusOf = async (id: string) => (await running.call('GET', `/v1/messages/${id}`)).body.status;

  test('an address that a server refuses for good is blocked, and the page says why', async () => {
    server.setScript([{ stage: 'rcpt', fault: { reply: '550 5.1.1 No such user here' }, count: 1 }]);
    await running.until(await send('nobody'), 'bounced');
    const blocked = await send('nobody');
    await go(`/messages/${blocked}`);
    await see(/is blocked since/);
    await page.getByRole('link', { name: 'Show the block' }).click();
    await page.waitForURL('**/audience/blocked?q=nobody%40example.com');
    await page.locator('summary', { hasText: 'nobody@example.com' }).click();
    await see('550 5.1.1 No such user here');
    await page.getByRole('link', { name: 'Open the message' }).waitFor();
  });

  test('lifting the block says what it means, lets mail through, and can be taken back', async () => {
    await button('Lift the block of nobody@example.com').click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByText('it is blocked again').waitFor();
    await dialog.getByRole('button', { name: 'Lift block' }).click();
    await see('No blocked address fits these filters');
    await running.until(await send('nobody'), 'sent');
    await button('Block again').click();
    await page.locator('summary', { hasText: 'By hand' }).waitFor();
    expect(await statusOf(await send('nobody'))).toBe('blocked');
  });

  test('an address is blocked by hand, and the search stands in the address of the page', async () => {
    await go('/audience/blocked');
    await button('Block address').click();
    await page.getByRole('dialog').getByLabel('Email').fill('trap@example.com');
    await page.keyboard.press('Enter');
    await page.locator('summary', { hasText: 'trap@example.com' }).waitFor();
    await page.getByRole('searchbox').fill('trap');
    await page.waitForURL('**/audience/blocked?q=trap');
    await page.locator('summary', { hasText: 'nobody@example.com' }).waitFor({ state: 'detached' });
  });

  test('messages without an answer are decided together, with the keyboard alone', async () => {
    server.setScript([
      { stage: 'dot', fault: 'lose-after-accept' },
      { stage: 'dot', fault: 'fin' },
    ]);
    server.setScript([{ stage: 'dot', fault: 'fin' }]);
    const ids: string[] = [];
    for (const name of UNCERTAIN) {
      ids.push(await send(name));
      await running.until(ids.at(-1)!, 'uncertain');
    }
    server.setScript([]);
    await go('/templates');
    await page.getByRole('link', { name: '3 uncertain' }).focus();
    await page.keyboard.press('Enter');
    await see('A server took these messages whole');
    for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key);
    await see('2 selected');
    await button('Mark as sent').focus();
    await page.keyboard.press('Enter');
    await see('2 messages are marked as sent');
    await page.getByRole('link', { name: '1 uncertain' }).waitFor();
    expect([await statusOf(ids[2]!), await statusOf(ids[1]!), await statusOf(ids[0]!)]).toEqual([
      'sent',
      'sent',
      'uncertain',
    ]);
    const before = server.ledger.length;
    await page.getByLabel('Select all').focus();
    await page.keyboard.press('Space');
    await button('Send again').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').getByText('its reader gets a second one').waitFor();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Send again' }).focus();
    await page.keyboard.press('Enter');
    await see('No message is uncertain');
    await running.until(ids[0]!, 'sent');
    expect(server.ledger.slice(before).map((one) => one.rcpts)).toEqual([['ada@example.com']]);
  });

  test('a notice waits behind the bell until somebody has seen it', async () => {
    const at = Date.now();
    await running.app.db.write((tx) =>
      notify(tx, { workspaceId: running.workspaceId, kind: 'priority_expired', subject: '', count: 2, at }),
    );
    await go('/messages');
    await page.getByRole('link', { name: 'Notices, 1 not seen' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await see('2 high-priority messages expired before they could be sent.');
    await button('Mark as seen').click();
    await see('Nothing needs you');
    await page.getByRole('link', { name: 'Notices', exact: true }).waitFor();
  });

  test('a template of codes is told to send once more, and nothing is set silently', async () => {
    await go('/templates/new');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Password reset');
    await see('This looks like a code or a link that somebody waits for.');
    const hold = page.getByRole('radio', { name: /Hold it for my decision/ });
    expect(await hold.isChecked()).toBe(true);
    await button('Send it once more').click();
    expect(await hold.isChecked()).toBe(false);
    await page.getByText('This looks like a code').waitFor({ state: 'detached' });
  });

  test('the pages complained about nothing and called nobody else', () => {
    expect(complaints).toEqual([]);
  });
});
