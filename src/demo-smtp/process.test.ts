import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import { expect, onTestFinished, test } from 'vitest';
import { readLedger, type SinkAddress, type SinkOptions, startSinkProcess } from './process.ts';

function ledgerFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sink-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'ledger.jsonl');
}

async function start(options: Partial<SinkOptions> = {}) {
  const sink = await startSinkProcess({ security: 'starttls', ledgerFile: ledgerFile(), ...options });
  onTestFinished(() => sink.stop());
  return sink;
}

function mailTo({ host, port, caPem }: SinkAddress): Promise<unknown> {
  const peer = nodemailer.createTransport({ host, port, requireTLS: true, tls: { ca: [caPem] } });
  return peer
    .sendMail({ from: 'a@example.com', to: 'b@example.org', subject: 'Hello', text: 'Hi' })
    .finally(() => peer.close());
}

test('a sink in a process of its own takes mail, keeps its ledger, and follows a new script', async () => {
  const sink = await start({ script: [{ stage: 'mail', fault: '4xx' }] });
  await expect(mailTo(sink)).rejects.toThrow('451');
  await sink.setScript([{ stage: 'dot', fault: 'lose-after-accept', count: 1 }]);
  await expect(mailTo(sink)).rejects.toThrow();
  await mailTo(sink);
  expect(sink.ledger()).toMatchObject(Array(2).fill({ rcpts: ['b@example.org'], tls: true }));
});

test('the ledger outlives the sink', async () => {
  const options = { ledgerFile: ledgerFile() };
  const sink = await start(options);
  await mailTo(sink);
  await sink.stop();
  expect(readLedger(options.ledgerFile)).toHaveLength(1);
});

test('a sink ends with its parent, also with one that was killed', async () => {
  const options = JSON.stringify({ security: 'none', ledgerFile: ledgerFile() });
  const module = JSON.stringify(join(import.meta.dirname, 'process.ts'));
  const program = `const { startSinkProcess } = await import(${module});
    console.log((await startSinkProcess(${options})).port);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' });
  const [port] = await once(parent.stdout, 'data');
  const line = connect(Number(port), '127.0.0.1');
  await once(line, 'data'); // it greets
  line.on('error', () => {}).resume();
  parent.kill('SIGKILL');
  await once(line, 'close');
});

test('a sink that cannot start says why', async () => {
  const options: SinkOptions = { security: 'none', ledgerFile: '/nowhere/ledger.jsonl' };
  await expect(startSinkProcess(options)).rejects.toThrow('ENOENT');
});
