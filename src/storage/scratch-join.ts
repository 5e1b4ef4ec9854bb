import Database from 'better-sqlite3';

/** One arrival, or as much of it as a line told. */
export interface SeenLine {
  queueId?: string | undefined;
  messageId?: string | undefined;
  xId?: string | undefined;
  rcpt?: string | undefined;
  arrived?: boolean | undefined;
  again?: boolean | undefined;
}

/** A message of our record. `claim`: how it stands here (`sent`, `open` for what may have gone out, `ended`). */
export interface OurLine {
  id: string;
  queueId: string | null;
  messageId: string;
  rcpt: string;
  server: string | null;
  /** ms */
  at: number;
  claim: 'sent' | 'open' | 'ended' | 'other';
}

/**
 * Joins two lists of any length on disk: what a server saw, and what we hold. A database of SQLite's own that exists
 * only as long as it is open, so that neither memory nor the real database carries it.
 */
export class ScratchJoin {
  readonly #db = new Database('');
  readonly #seenCurrent: Database.Statement;
  readonly #seenRow: Database.Statement;
  readonly #insertSeen: Database.Statement;
  readonly #updateSeen: Database.Statement;
  readonly #retire: Database.Statement;
  readonly #insertOurs: Database.Statement;

  constructor() {
    this.#db.exec(`
      pragma journal_mode = off; pragma synchronous = off;
      create table seen (n integer primary key, queue_id text, message_id text, x_id text, rcpt text,
        arrived integer not null default 0, again integer not null default 0, current integer not null default 1, ours text);
      create index seen_queue on seen (queue_id) where current = 1;
      create index seen_message on seen (message_id);
      create index seen_row on seen (x_id, message_id, rcpt) where queue_id is null;
      create table ours (id text primary key, queue_id text, message_id text not null, rcpt text not null, server text,
        at integer not null, claim text not null, arrivals integer not null default 0) without rowid;
      begin`);
    this.#seenCurrent = this.#db.prepare(
      'select n, message_id, arrived from seen where queue_id = ? and current = 1',
    );
    this.#seenRow = this.#db.prepare(
      'select n from seen where queue_id is null and x_id is ? and message_id is ? and rcpt is ?',
    );
    this.#insertSeen = this.#db.prepare(
      'insert into seen (queue_id, message_id, x_id, rcpt, arrived, again) values (?, ?, ?, ?, ?, ?)',
    );
    this.#updateSeen = this.#db.prepare(
      `update seen set message_id = coalesce(message_id, ?), x_id = coalesce(x_id, ?), rcpt = coalesce(rcpt, ?),
        arrived = max(arrived, ?), again = max(again, ?) where n = ?`,
    );
    this.#retire = this.#db.prepare('update seen set current = 0 where n = ?');
    this.#insertOurs = this.#db.prepare(
      'insert into ours (id, queue_id, message_id, rcpt, server, at, claim) values (?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /** Lines of one queue id tell of one arrival, until the id is used for another message. */
  saw({ queueId, messageId, xId, rcpt, arrived, again }: SeenLine): void {
    const values = [messageId ?? null, xId ?? null, rcpt ?? null, arrived ? 1 : 0, again ? 1 : 0];
    const known = (
      queueId === undefined
        ? this.#seenRow.get(xId ?? null, messageId ?? null, rcpt ?? null)
        : this.#seenCurrent.get(queueId)
    ) as { n: number; message_id?: string | null; arrived?: number } | undefined;
    const other = known?.message_id != null && messageId !== undefined && known.message_id !== messageId;
    if (known && !other) this.#updateSeen.run(...values, known.n);
    else {
      if (known) this.#retire.run(known.n);
      this.#insertSeen.run(queueId ?? null, ...values);
    }
  }

  have(one: OurLine): void {
    this.#insertOurs.run(one.id, one.queueId, one.messageId, one.rcpt, one.server, one.at, one.claim);
  }

  /** Finds for each arrival the message it is, by the surest mark that it bears. */
  join(): void {
    this.#db.exec(`
      create index ours_queue on ours (queue_id) where queue_id is not null;
      create index ours_message on ours (message_id, rcpt);
      delete from seen where arrived = 0 or again = 1;
      update seen set ours = x_id where x_id in (select id from ours);
      update seen set ours = (select o.id from ours o where o.queue_id = seen.queue_id
        and (seen.message_id is null or seen.message_id = o.message_id)) where ours is null and queue_id is not null;
      update seen set ours = (select o.id from ours o where o.message_id = seen.message_id and o.rcpt = seen.rcpt)
        where ours is null and message_id is not null and rcpt is not null;
      update seen set ours = (select o.id from ours o where o.message_id = seen.message_id)
        where ours is null and message_id is not null
          and (select count(*) from ours o where o.message_id = seen.message_id) = 1;
      create index seen_ours on seen (ours) where ours is not null;
      update ours set arrivals = (select count(*) from seen s where s.ours = ours.id)
        where id in (select ours from seen where ours is not null)`);
    this.#pairSiblings();
  }

  /** Copies of one message, to several recipients, bear one Message-ID: as many left there as here are the same ones. */
  #pairSiblings(): void {
    this.#db.exec(`
      create temp table pairs as
        select s.n, o.id from
          (select n, message_id, row_number() over (partition by message_id order by n) as k,
             count(*) over (partition by message_id) as c from seen where ours is null and message_id is not null) s
          join (select id, message_id, row_number() over (partition by message_id order by id) as k,
             count(*) over (partition by message_id) as c from ours where arrivals = 0) o
          on o.message_id = s.message_id and o.k = s.k and o.c = s.c;
      update seen set ours = (select id from pairs where pairs.n = seen.n) where n in (select n from pairs);
      update ours set arrivals = 1 where id in (select id from pairs)`);
  }

  /** Arrivals that bear a Message-ID of ours, and could be any of several copies. */
  ambiguous(): number {
    return this.#count(
      'select count(*) as n from seen where ours is null and message_id in (select message_id from ours)',
    );
  }

  arrivals(): number {
    return this.#count('select count(*) as n from seen');
  }

  matched(): number {
    return this.#count('select count(*) as n from seen where ours is not null');
  }

  /** Arrivals that are not of our record, with what they are called. */
  *strangers(): Generator<{ xId: string | null; messageId: string | null; queueId: string | null }> {
    yield* this.#db
      .prepare(
        `select x_id as xId, message_id as messageId, queue_id as queueId from seen
         where ours is null and (message_id is null or message_id not in (select message_id from ours))`,
      )
      .iterate() as IterableIterator<{
      xId: string | null;
      messageId: string | null;
      queueId: string | null;
    }>;
  }

  *twice(): Generator<string> {
    for (const row of this.#db.prepare('select id from ours where arrivals > 1 order by id').iterate())
      yield (row as { id: string }).id;
  }

  /** What arrived although it does not count as sent here, and under which name. */
  *arrivedAs(claim: 'open' | 'ended'): Generator<{ id: string; queueId: string | null }> {
    yield* this.#db
      .prepare(
        `select o.id, (select s.queue_id from seen s where s.ours = o.id order by s.n limit 1) as queueId
         from ours o where o.arrivals > 0 and o.claim = ? order by o.id`,
      )
      .iterate(claim) as IterableIterator<{ id: string; queueId: string | null }>;
  }

  /** From when to when, and at which servers, there is something to compare: between the first and the last match. */
  window(): { from: number; to: number } | undefined {
    const row = this.#db
      .prepare('select min(at) as "from", max(at) as "to" from ours where arrivals > 0 and claim = \'sent\'')
      .get() as { from: number | null; to: number | null };
    return row.from === null || row.to === null ? undefined : { from: row.from, to: row.to };
  }

  /** Sent here within the window through a server of which something was seen, and not seen there. */
  *missingThere(): Generator<string> {
    const rows = this.#db
      .prepare(
        `with matched as (select server, min(at) as first, max(at) as last from ours
           where arrivals > 0 and claim = 'sent' group by server)
         select o.id from ours o join matched m on m.server = o.server
         where o.claim = 'sent' and o.arrivals = 0 and o.at between m.first and m.last
           and not exists (select 1 from seen s where s.ours is null and s.message_id = o.message_id)
         order by o.id`,
      )
      .iterate();
    for (const row of rows) yield (row as { id: string }).id;
  }

  close(): void {
    this.#db.close();
  }

  #count(text: string): number {
    return (this.#db.prepare(text).get() as { n: number }).n;
  }
}
