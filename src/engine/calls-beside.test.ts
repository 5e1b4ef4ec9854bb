import { expect, test, vi } from 'vitest';
import { CallsBeside, hear, type News } from './calls-beside.ts';

/** What is told within a moment, as it reaches the other thread. */
async function posted(tell: (calls: CallsBeside) => void): Promise<(readonly News[])[]> {
  const posts: (readonly News[])[] = [];
  await new Promise<void>((done) => {
    const calls = new CallsBeside((news) => {
      posts.push(news);
      done();
    });
    tell(calls);
  });
  return posts;
}

test('what is told within a moment goes over together, in order', async () => {
  const posts = await posted(({ room, backlog }) => {
    room.openTo(new Set(['wsp_1']));
    backlog.taken('wsp_1', 3);
    backlog.sent('wsp_1');
    backlog.waitsOnlyFor(new Set());
  });
  expect(posts).toEqual([
    [
      ['openTo', new Set(['wsp_1'])],
      ['taken', 'wsp_1', 3],
      ['sent', 'wsp_1'],
      ['waitsOnlyFor', new Set()],
    ],
  ]);
});

test('that something was sent is said once, until something else is', async () => {
  const [news] = await posted(({ backlog }) => {
    backlog.sent('wsp_1');
    backlog.sent('wsp_1');
    backlog.sent('wsp_2');
    backlog.taken('wsp_2', 1);
    backlog.sent('wsp_2');
  });
  expect(news).toEqual([
    ['sent', 'wsp_1'],
    ['sent', 'wsp_2'],
    ['taken', 'wsp_2', 1],
    ['sent', 'wsp_2'],
  ]);
});

test('the other thread passes each on to whom it is for', () => {
  const room = { openTo: vi.fn(), left: vi.fn() };
  const backlog = { taken: vi.fn(), sent: vi.fn(), waitsOnlyFor: vi.fn() };
  hear(
    [
      ['openTo', new Set(['wsp_1'])],
      ['left', 'wsp_1', 2, 100],
      ['taken', 'wsp_1', 3],
      ['sent', 'wsp_1'],
      ['waitsOnlyFor', new Set(['wsp_2'])],
    ],
    { room, backlog },
  );
  expect(room.openTo.mock.calls).toEqual([[new Set(['wsp_1'])]]);
  expect(room.left.mock.calls).toEqual([['wsp_1', 2, 100]]);
  expect(backlog.taken.mock.calls).toEqual([['wsp_1', 3]]);
  expect(backlog.sent.mock.calls).toEqual([['wsp_1']]);
  expect(backlog.waitsOnlyFor.mock.calls).toEqual([[new Set(['wsp_2'])]]);
});
