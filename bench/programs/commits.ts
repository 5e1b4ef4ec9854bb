import { migrate } from '../../src/storage/migrate.ts';
import { openSqlite } from '../../src/storage/sqlite.ts';

// Commits a second of the embedded database, one after the other, each with its own flush: tells whether a slower
// disk is felt. Argument: an empty folder. Prints the number.

const [folder] = process.argv.slice(2);
const db = openSqlite(`${folder}/commits.db`);
await migrate(db, Date.now());
const began = performance.now();
let count = 0;
while (performance.now() - began < 1000) {
  await db.write((tx) =>
    tx
      .insertInto('settings')
      .values({ name: `commit ${count}`, value: '' })
      .execute(),
  );
  count++;
}
process.stdout.write(String(Math.round(count / ((performance.now() - began) / 1000))));
await db.close();
