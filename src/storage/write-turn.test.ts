import { expect, onTestFinished, test, vi } from 'vitest';
import { WriteTurn } from './write-turn.ts';

test('who waits for the turn gets it before it can be taken again, in the order of asking', async () => {
  const one = new WriteTurn();
  const [two, three] = [new WriteTurn(one.shared), new WriteTurn(one.shared)];
  const order: string[] = [];
  await one.take();
  const waiting = [two, three].map((turn, at) =>
    turn.take().then(() => {
      order.push(['two', 'three'][at]!);
      turn.give();
    }),
  );
  one.give();
  const again = one.take().then(() => order.push('one'));
  await Promise.all([...waiting, again]);
  expect(order).toEqual(['two', 'three', 'one']);
});

test('who is handed the turn just before it begins to wait does not wait', async () => {
  const one = new WriteTurn();
  const other = new WriteTurn(one.shared);
  await one.take();
  const { waitAsync } = Atomics;
  let again: Promise<void> | undefined;
  const waiting = vi.spyOn(Atomics, 'waitAsync').mockImplementationOnce(((
    ...args: Parameters<typeof waitAsync>
  ) => {
    one.give();
    again = one.take(); // and it is wanted again already
    return waitAsync(...args);
  }) as typeof waitAsync);
  onTestFinished(() => waiting.mockRestore());
  await other.take();
  other.give();
  await again;
});
