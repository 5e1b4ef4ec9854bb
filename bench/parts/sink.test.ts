import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Pool } from '../../src/transport/pool.ts';
import { startCountingSink } from './sink.ts';

async function sinkFor(security: 'none' | 'starttls') {
  const sink = await startCountingSink(security);
  onTestFinished(() => sink.stop());
  return sink;
}

test.each(['none', 'starttls'] as const)('the sink counts what our client sends (%s)', async (security) => {
  const sink = await sinkFor(security);
  const pool = new Pool({ clock: systemClock });
  const endpoint = {
    host: '127.0.0.1',
    port: sink.port,
    security,
    heloName: 'client.example.com',
    allowAddress: () => true,
    tlsCa: sink.caPem!,
  };
  const send = async (at: number) => {
    const { outcome } = await pool.send('sink', endpoint, 3, {
      envelope: { from: 'shop@example.com', to: `code${at}@example.org`, needsSmtpUtf8: false },
      content: Buffer.from('Subject: Hello\r\n\r\n.a dot\r\n'),
      beforeDot: async () => true,
      serverName: 'Sink',
    });
    return outcome.class;
  };
  const classes = await Promise.all(Array.from({ length: 20 }, (_, at) => send(at)));
  await pool.close(1_000);
  expect(classes).toEqual(Array(20).fill('accepted'));
  expect(await sink.count()).toBe(20);
  expect((await sink.watched()).map(([who]) => who).sort()[0]).toBe('code0@example.org');
});

test('a terminator is one, wherever the network cut it; a line with a dot is none', async () => {
  const sink = await sinkFor('none');
  const socket = connect(sink.port, '127.0.0.1').setNoDelay(true);
  let heard = '';
  const answered = async (code: string) => {
    while (!heard.includes(code)) await new Promise((resolve) => socket.once('data', resolve));
    heard = '';
  };
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  await answered('220 ');
  socket.write('MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n');
  await answered('354 ');
  for (const piece of ['text\r\n..\r\n.a\r', '\n', '.', '\r', '\n']) {
    expect(await sink.count()).toBe(0); // it has had its turn, so that the next piece comes alone
    await new Promise((resolve) => socket.write(piece, resolve));
  }
  await answered('250 ');
  socket.destroy();
  expect(await sink.count()).toBe(1);
});
