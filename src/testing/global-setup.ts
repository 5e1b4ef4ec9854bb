import type { TestProject } from 'vitest/node';
import { postgresBin, startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL of this test run, with a place for the database's name at its end; empty where none is installed. */
    postgresUrl: string;
  }
}

/** One PostgreSQL serves all tests of a run; each takes a database of its own. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!postgresBin()) {
    project.provide('postgresUrl', '');
    return undefined;
  }
  const postgres = await startPostgres();
  project.provide('postgresUrl', postgres.url);
  return () => postgres.stop();
}
