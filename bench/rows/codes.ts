import type { Group } from '../parts/bench.ts';
import { percentile } from '../parts/figures.ts';
import { SIZES } from '../parts/letter.ts';
import { sleep, until } from '../parts/processes.ts';
import { call, fill, furnish, type Installation, install, type Program } from '../parts/product.ts';
import { type CountingSink, startCountingSink } from '../parts/sink.ts';

const EVERY_MS = 100;
/** Codes stop while bulk still flows. */
const BULK_LEFT = 500;

/** A person waits for a code while a campaign goes out: from the call to the server's 250. */
export const codes: Group = {
  name: 'codes',
  about: 'a one-time code every 100 ms while bulk messages flow: from the call to the 250',
  async round(bench) {
    const bulk = bench.quick ? 6_000 : 100_000;
    bench.say(`  a code every ${EVERY_MS} ms among ${bulk} others`);
    const sink = await startCountingSink('none');
    const installation = await install(bench, 'sqlite');
    const api = await installation.start({ role: 'api' });
    try {
      await furnish(installation, api, sink, SIZES[0]!);
      await call(api.url, installation.apiKey, '/v1/templates', {
        slug: 'code',
        subject: 'Your code is {{ code }}',
        html: '<p>Your code is <b>{{ code }}</b>. It works for ten minutes.</p>',
        from: 'Shop <shop@example.com>',
        priority: 'high',
      });
      await fill(installation, api, bulk);
    } finally {
      await api.stop();
    }
    const program = await installation.start();
    try {
      const took = await sendCodes(installation, program, sink, bench.quick ? 50 : 200);
      bench.figures.add('one-time code among bulk, p50', percentile(took, 0.5), 'ms');
      bench.figures.add('one-time code among bulk, p99', percentile(took, 0.99), 'ms');
      bench.figures.add('one-time code among bulk: codes sent', took.length, 'codes');
      await program.stop(); // bulk is left behind
      const { sent = 0 } = await installation.records.states();
      if (sent !== (await sink.count()))
        throw new Error(`${sent} were recorded, the sink took another number`);
    } finally {
      await program.stop();
      await installation.records.close();
      await sink.stop();
    }
  },
};

/** @returns for each code the milliseconds from the call to the 250 */
async function sendCodes(
  { apiKey, records }: Installation,
  { url }: Program,
  sink: CountingSink,
  wanted: number,
): Promise<number[]> {
  await until('bulk flows', 10_000, async () => (await sink.count()) > 100);
  const called = new Map<string, bigint>();
  const calls: Promise<unknown>[] = [];
  for (let at = 0; at < wanted && (await records.waiting()) > BULK_LEFT; at++) {
    const rcpt = `code${at}@example.com`;
    called.set(rcpt, process.hrtime.bigint());
    calls.push(
      call(url, apiKey, '/v1/messages', { rcpt, templateSlug: 'code', variables: { code: String(at) } }),
    );
    await sleep(EVERY_MS);
  }
  await Promise.all(calls);
  const took: number[] = [];
  await until('all codes have arrived', 60_000, async () => {
    for (const [rcpt, at] of await sink.watched()) took.push(Number(at - called.get(rcpt)!) / 1e6);
    return took.length === called.size;
  });
  return took;
}
