import nodemailer from 'nodemailer';
import { systemClock } from '../../src/clock.ts';
import type { Endpoint } from '../../src/transport/endpoint.ts';
import { Pool } from '../../src/transport/pool.ts';
import { filledLetter, rawLetter, type Size } from '../parts/letter.ts';

// One SMTP client that sends as fast as it can, in a process of its own. Started by rows/clients.ts with a Task as
// its only argument; prints a Sending.

export interface Task {
  client: 'own' | 'nodemailer raw' | 'nodemailer composing';
  port: number;
  security: 'none' | 'starttls';
  caPem?: string | undefined;
  size: Size;
  connections: number;
  /** Before the count begins, and while it counts. */
  warmUpMs: number;
  windowMs: number;
}

export interface Sending {
  perSecond: number;
  /** Microseconds of CPU of this process for one message. */
  cpu: number;
  /** All of them, also before and after the window. */
  sent: number;
}

type Send = (at: number) => Promise<void>;

const task = JSON.parse(process.argv[2]!) as Task;
const FROM = 'shop@example.com';
const rcptOf = (at: number) => `ann${at}@example.org`;
const { send, close } = task.client === 'own' ? ownClient() : nodemailerPool();
process.stdout.write(JSON.stringify(await measure(send)));
await close();

/** Twice as many at work as there are connections, so that none waits for the next message. */
async function measure(sendOne: Send): Promise<Sending> {
  let sent = 0;
  let isOver = false;
  const lane = async () => {
    while (!isOver) await sendOne(sent++);
  };
  const lanes = Array.from({ length: task.connections * 2 }, lane);
  await new Promise((resolve) => setTimeout(resolve, task.warmUpMs));
  const before = { sent, cpu: process.cpuUsage(), at: performance.now() };
  await new Promise((resolve) => setTimeout(resolve, task.windowMs));
  const { user, system } = process.cpuUsage(before.cpu);
  const count = sent - before.sent;
  const perSecond = count / ((performance.now() - before.at) / 1000);
  isOver = true;
  await Promise.all(lanes);
  return { perSecond, cpu: (user + system) / count, sent };
}

function ownClient(): { send: Send; close: () => Promise<void> } {
  const pool = new Pool({ clock: systemClock });
  const content = rawLetter(task.size);
  const endpoint: Endpoint = {
    host: '127.0.0.1',
    port: task.port,
    security: task.security,
    heloName: 'client.example.com',
    allowAddress: () => true,
    ...(task.caPem === undefined ? {} : { tlsCa: task.caPem }),
  };
  return {
    async send(at) {
      const { outcome } = await pool.send('sink', endpoint, task.connections, {
        envelope: { from: FROM, to: rcptOf(at), needsSmtpUtf8: false, isWireForm: true },
        content,
        beforeDot: async () => true,
        serverName: 'Sink',
      });
      if (outcome.class !== 'accepted') throw new Error(`${outcome.code}: ${outcome.message}`);
    },
    close: () => pool.close(1_000),
  };
}

function nodemailerPool(): { send: Send; close: () => Promise<void> } {
  const transport = nodemailer.createTransport({
    pool: true,
    maxConnections: task.connections,
    maxMessages: Number.POSITIVE_INFINITY,
    host: '127.0.0.1',
    port: task.port,
    name: 'client.example.com',
    ignoreTLS: task.security === 'none',
    requireTLS: task.security === 'starttls',
    ...(task.caPem === undefined ? {} : { tls: { ca: task.caPem } }),
  });
  const raw = rawLetter(task.size);
  const letter = filledLetter(task.size, 1);
  return {
    async send(at) {
      const envelope = { from: FROM, to: rcptOf(at) };
      await transport.sendMail(
        task.client === 'nodemailer raw' ? { envelope, raw } : { ...envelope, ...letter },
      );
    },
    close: async () => transport.close(),
  };
}
