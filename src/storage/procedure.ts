import type { Db, Tx } from './db.ts';

/**
 * Work in a transaction that is asked for by name, since its arguments and its result are plain data: so another
 * thread can be asked to do it (procedure-port.ts). What every message needs is written as one; all other
 * work is handed to `Db.write` as a function.
 */
export interface Procedure<Args, Result> {
  readonly name: string;
  run(tx: Tx, args: Args): Promise<Result>;
}

type AnyProcedure = Procedure<never, unknown>;

const procedures = new Map<string, AnyProcedure>();

/** Defines a procedure, once for each name, when its file is loaded. */
export function procedure<Args, Result>(
  name: string,
  run: (tx: Tx, args: Args) => Promise<Result>,
): Procedure<Args, Result> {
  if (procedures.has(name)) throw new TypeError(`There are two procedures ${name}.`);
  const made = { name, run };
  procedures.set(name, made);
  return made;
}

/** @throws TypeError when no file that defines it was loaded */
export function procedureNamed(name: string): Procedure<unknown, unknown> {
  const found = procedures.get(name);
  if (!found) throw new TypeError(`There is no procedure ${name}.`);
  return found as Procedure<unknown, unknown>;
}

/** Runs it in a transaction of its own. As with `Db.write`, the promise resolves when the commit is on the disk. */
export function call<Args, Result>(db: Db, procedure: Procedure<Args, Result>, args: Args): Promise<Result> {
  return db.call ? db.call(procedure, args) : db.write((tx) => procedure.run(tx, args));
}
