import type { Engine } from '../../src/storage/db.ts';
import type { Records } from './records.ts';

/** Bytes on disk of one message of the past with its attempt, events and indexes, rounded up. */
const BYTES_PER_MESSAGE = 3_000;
const STEP = 250_000;

/** Bytes that must be free for it, the log of the database included. */
export function bytesFor(messages: number): number {
  return messages * BYTES_PER_MESSAGE;
}

/**
 * Makes a past of `messages` messages by copying one that was really sent, with all rows that belong to it: each copy
 * has ids, an address and times of its own. So the past has the columns and the sizes that the product writes.
 */
export async function makeHistory(engine: Engine, records: Records, messages: number): Promise<void> {
  const [model] = await records.run("select id from messages where state = 'sent' order by id limit 1");
  if (!model) throw new Error('There is no sent message to copy.');
  const tables = await tablesOfMessages(engine, records);
  for (let from = 0; from < messages; from += STEP) {
    const to = Math.min(from + STEP, messages);
    for (const table of tables) await records.run(copies(table, String(model.id), from + 1, to));
  }
  if (engine === 'postgres') await records.run('analyze');
}

interface Table {
  name: string;
  columns: string[];
}

/** `messages`, and each table with a `message_id`. */
async function tablesOfMessages(engine: Engine, records: Records): Promise<Table[]> {
  const rows = await records.run(
    engine === 'postgres'
      ? "select table_name, column_name from information_schema.columns where table_schema = 'public' order by ordinal_position"
      : "select m.name as table_name, c.name as column_name from sqlite_schema m, pragma_table_info(m.name) c where m.type = 'table'",
  );
  const tables = new Map<string, string[]>();
  for (const { table_name, column_name } of rows)
    tables.set(String(table_name), [...(tables.get(String(table_name)) ?? []), String(column_name)]);
  return [...tables]
    .map(([name, columns]) => ({ name, columns }))
    .filter(({ name, columns }) => name === 'messages' || columns.includes('message_id'))
    .filter(({ name }) => name !== 'suppressions' && name !== 'attachments');
}

/** One statement copies the model's rows of a table for the numbers `from` to `to`. */
function copies({ name, columns }: Table, model: string, from: number, to: number): string {
  const key = name === 'messages' ? 'id' : 'message_id';
  const values = columns.map((column) => copyOf(name, column));
  return `insert into ${name} (${columns.map((column) => `"${column}"`).join(', ')})
    with recursive number (n) as (select ${from} union all select n + 1 from number where n < ${to})
    select ${values.join(', ')} from number, (select * from ${name} where ${key} = '${model}') as model`;
}

/** Sorts before every id of today, in the order of the numbers. */
const NUMBER = '(100000000000000 + number.n)';
/** The past went at a message each 50 ms. */
const AGE_MS = '(n * 50)';

function copyOf(table: string, column: string): string {
  if (column === 'message_id' || column === 'content_of' || (table === 'messages' && column === 'id'))
    return `'msg_00' || ${NUMBER}`;
  if (column === 'id') return `substr(model.id, 1, 4) || '00' || ${NUMBER} || substr(model.id, 25)`;
  if (column === 'rcpt' || column === 'rcpt_key') return "'past' || number.n || '@example.com'";
  if (column === 'message_id_header') return `${NUMBER} || '.past@example.com'`;
  if (/_at$|^at$/.test(column)) return `model."${column}" - ${AGE_MS}`;
  return `model."${column}"`;
}
