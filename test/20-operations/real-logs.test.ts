import { describe, expect, test } from 'vitest';
import { compareWith } from '../../src/messages/against.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { connectServer } from '../../src/testing/servers.ts';
import { testApp } from '../../src/testing/test-app.ts';
import { eximMissing, startExim } from '../support/exim.ts';
import { SENDER, SIGN_IN } from '../support/mail-server.ts';
import { postfixMissing, startPostfix } from '../support/postfix.ts';

const PEERS = [
  { name: 'Postfix', form: 'postfix', missing: postfixMissing, start: startPostfix },
  { name: 'Exim', form: 'exim', missing: eximMissing, start: startExim },
];
const COUNT = 20;

describe.each(PEERS)('$name', ({ name, form, missing, start }) => {
  const what = missing ? `(skipped: ${missing})` : 'writes a log in which each of our messages is found once';

  test.skipIf(missing)(what, async () => {
    const server = await start();
    const app = await testApp({ clock: new FakeClock() });
    try {
      await connectServer(app, server, { name, security: 'starttls', ...SIGN_IN, tlsCa: server.caPem });
      const messages = Array.from({ length: COUNT }, (_, at) => ({
        from: SENDER,
        rcpt: `user${at}@example.com`,
        subject: 's',
        text: 't',
        ...(at === 0 ? { cc: ['user-cc@example.com'] } : {}),
      }));
      const { body } = await app.call('POST', '/v1/messages/batch', { messages });
      const results: { id: string; siblings?: string[] }[] = body.results;
      const ids = results.flatMap((one) => [one.id, ...(one.siblings ?? [])]);
      for (const id of ids) await app.until(id, 'sent');
      await server.delivered();
      // One of them as after a lost answer, without the name that the server gave it.
      const doubtful = ids[7]!;
      await app.app.db.write((tx) =>
        tx
          .updateTable('messages')
          .set({ state: 'uncertain', code: 'uncertain', final_at: null, server_message_id: null })
          .where('id', '=', doubtful)
          .execute(),
      );
      const found: string[] = [];
      const asked = { file: server.logFile, workspaceId: undefined, resolve: true, operator: 'cli:test' };
      const result = await compareWith(app.app.db, new FakeClock(), asked, ({ rule, id }) =>
        found.push(`${rule} ${id}`),
      );
      expect(found).toEqual([`arrived ${doubtful}`]);
      expect(result).toMatchObject({
        form,
        arrivals: COUNT + 1,
        matched: COUNT + 1,
        resolved: 1,
        ambiguous: 0,
      });
    } finally {
      await app.stop();
      await server.remove();
    }
  });
});
