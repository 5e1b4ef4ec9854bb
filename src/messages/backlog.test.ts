import { beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { Backlog } from './backlog.ts';

let clock: FakeClock;
let backlog: Backlog;
beforeEach(() => {
  vi.useFakeTimers();
  clock = new FakeClock();
  backlog = new Backlog(clock);
  return () => vi.useRealTimers();
});

/** Whether a call of the workspace is let in at once. */
async function isOpen(workspaceId = 'wsp_1'): Promise<boolean> {
  const asked = backlog.room(workspaceId).then(() => true);
  return Promise.race([
    asked,
    new Promise<boolean>((turn) => process.nextTick(() => process.nextTick(turn, false))),
  ]);
}

describe('calls', () => {
  test('are let in while little waits', async () => {
    backlog.arrived('wsp_1', 99);
    backlog.sent('wsp_1');
    expect(await isOpen()).toBe(true);
  });

  test('are held back while more comes in than leaves, and let in when it shrinks', async () => {
    backlog.arrived('wsp_1', 100);
    backlog.sent('wsp_1');
    const waiting = backlog.room('wsp_1');
    expect(await isOpen()).toBe(false);
    backlog.taken('wsp_1', 20);
    await waiting;
    expect(await isOpen()).toBe(true);
  });

  test('are let in one for each message that leaves, not all at once', async () => {
    backlog.arrived('wsp_1', 100);
    backlog.sent('wsp_1');
    const letIn: number[] = [];
    for (const call of [1, 2, 3]) void backlog.room('wsp_1').then(() => letIn.push(call));
    backlog.taken('wsp_1', 2);
    await vi.advanceTimersByTimeAsync(0);
    expect(letIn).toEqual([1, 2]);
  });

  test('are held back for a moment only', async () => {
    backlog.arrived('wsp_1', 9_000);
    backlog.sent('wsp_1');
    const waiting = backlog.room('wsp_1');
    await vi.advanceTimersByTimeAsync(250);
    await waiting;
  });

  test('are never held back because a server waits: nothing was sent lately', async () => {
    backlog.arrived('wsp_1', 9_000);
    expect(await isOpen()).toBe(true);
    backlog.sent('wsp_1');
    expect(await isOpen()).toBe(false);
    clock.advance(1_001);
    expect(await isOpen()).toBe(true);
  });

  test('of other workspaces are not concerned', async () => {
    backlog.arrived('wsp_1', 9_000);
    backlog.sent('wsp_1');
    expect(await isOpen('wsp_2')).toBe(true);
  });

  test('are let in when what waited is gone otherwise, as by being cancelled', async () => {
    backlog.arrived('wsp_1', 9_000);
    backlog.sent('wsp_1');
    const waiting = backlog.room('wsp_1');
    backlog.waitsOnlyFor(new Set(['wsp_1']));
    expect(await isOpen()).toBe(false);
    backlog.waitsOnlyFor(new Set());
    await waiting;
    expect(await isOpen()).toBe(true);
  });
});
