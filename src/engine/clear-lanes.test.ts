import { beforeEach, expect, test } from 'vitest';
import { ClearLanes } from './clear-lanes.ts';

let lanes: ClearLanes;
beforeEach(() => {
  lanes = new ClearLanes();
});

function look(...found: string[]): void {
  lanes.lookBegins();
  lanes.found(new Map(found.map((id) => [id, 5])));
}

test('a lane is clear until a look finds something in it, and again when all of that was claimed', () => {
  expect(lanes.isClear('wsp_1')).toBe(true);
  look('wsp_1');
  expect([lanes.isClear('wsp_1'), lanes.isClear('wsp_2')]).toEqual([false, true]);
  expect(lanes.needsLook('wsp_1')).toBe(false);
  lanes.emptied('wsp_1');
  expect(lanes.isClear('wsp_1')).toBe(true);
});

test('what came in is seen by a look that began later, and by no other', () => {
  lanes.arrives('wsp_1', 7);
  look();
  expect([lanes.isClear('wsp_1'), lanes.needsLook('wsp_1')]).toEqual([false, false]);
  lanes.lookBegins();
  lanes.arrived('wsp_1');
  lanes.found(new Map());
  expect([lanes.isClear('wsp_1'), lanes.needsLook('wsp_1')]).toEqual([false, true]);
  look();
  expect([lanes.isClear('wsp_1'), lanes.needsLook('wsp_1')]).toEqual([true, false]);
});

test('two transactions that add to a lane are both waited for', () => {
  lanes.arrives('wsp_1', 7);
  lanes.arrives('wsp_1', 7);
  lanes.arrived('wsp_1');
  look();
  expect(lanes.isClear('wsp_1')).toBe(false);
  lanes.arrived('wsp_1');
  look();
  expect(lanes.isClear('wsp_1')).toBe(true);
});

test('it is known since when the first of all waits', () => {
  expect(lanes.waitingSince('wsp_1')).toBe(Number.POSITIVE_INFINITY);
  lanes.arrives('wsp_1', 9);
  lanes.arrives('wsp_1', 7);
  expect(lanes.waitingSince('wsp_1')).toBe(7);
  look('wsp_1');
  expect(lanes.waitingSince('wsp_1')).toBe(5);
  lanes.emptied('wsp_1');
  expect(lanes.waitingSince('wsp_1')).toBe(7);
});
