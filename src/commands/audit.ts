import { parseArgs } from 'node:util';
import { type Against, compareWith } from '../messages/against.ts';
import { type Balance, type Broken, balances, brokenRules } from '../messages/audit.ts';
import { STATUSES } from '../queue/delivery.ts';
import { findWorkspace } from '../workspaces/workspaces.ts';
import { UsageError } from './usage.ts';
import { type CommandParts, operatorId, withDatabase } from './with-database.ts';

/** EX_DATAERR of sysexits: the books do not balance. */
const EX_DATAERR = 65;

/** Balances the books, and compares them with a server's log. Reads beside a running program. */
export async function auditCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      workspace: { type: 'string' },
      against: { type: 'string' },
      resolve: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const { workspace, against } = values;
  if (values.resolve && against === undefined) throw new UsageError('--resolve goes with --against FILE.');
  return withDatabase(async (parts) => {
    if (workspace !== undefined) await findWorkspace(parts.db, workspace);
    const report = values.json ? new JsonReport() : new TextReport();
    const sound =
      against === undefined
        ? await auditBooks(parts, report, workspace)
        : await auditAgainst(parts, report, {
            file: against,
            workspaceId: workspace,
            resolve: values.resolve === true,
          });
    return sound ? 0 : EX_DATAERR;
  });
}

async function auditBooks({ db, clock }: CommandParts, report: Report, workspace?: string): Promise<boolean> {
  const books = await balances(db, workspace, clock.now());
  report.balances(books);
  let breaks = 0;
  for await (const broken of brokenRules(db, workspace, clock.now())) {
    breaks++;
    report.broken(broken);
  }
  const sound = breaks === 0 && books.every((one) => one.balanced);
  report.end(sound, breaks);
  return sound;
}

async function auditAgainst(
  { db, clock }: CommandParts,
  report: Report,
  asked: { file: string; workspaceId: string | undefined; resolve: boolean },
): Promise<boolean> {
  const result = await compareWith(db, clock, { ...asked, operator: operatorId() }, (broken) =>
    report.broken(broken),
  );
  report.against(result);
  const sound = result.missingHere + result.missingThere + result.twiceThere + result.endedOtherwise === 0;
  report.end(sound, result.missingHere + result.missingThere + result.twiceThere + result.endedOtherwise);
  return sound;
}

/** Ids are written as they are found: there may be more of them than fit into memory. */
interface Report {
  balances(books: readonly Balance[]): void;
  broken(broken: Broken): void;
  against(result: Against): void;
  end(sound: boolean, breaks: number): void;
}

const write = (text: string) => process.stdout.write(text);

class TextReport implements Report {
  balances(books: readonly Balance[]): void {
    if (books.length === 0) write('No message was accepted yet.\n');
    for (const { workspace, accepted, statuses, balanced } of books) {
      const parts = STATUSES.filter((status) => statuses[status]).map(
        (status) => `${statuses[status]} ${status}`,
      );
      write(`${workspace}: accepted ${accepted} ${balanced ? '=' : '≠'} ${parts.join(' + ') || '0'}\n`);
    }
  }

  broken({ rule, id }: Broken): void {
    write(`${rule}  ${id}\n`);
  }

  against(result: Against): void {
    write(
      `Read ${result.lines} lines (${result.form}): ${result.arrivals} arrivals, ${result.matched} of them ours and known, ${result.foreign} not from Mailwright.\n`,
    );
    if (result.window) write(`Compared: sent from ${result.window.from} to ${result.window.to}.\n`);
    write(
      `${result.missingHere} missing here, ${result.missingThere} missing there, ${result.twiceThere} twice there, ${result.endedOtherwise} ended otherwise here.\n`,
    );
    write(
      `${result.arrived} uncertain or queued here, and arrived there; ${result.resolved} resolved to sent.\n`,
    );
    if (result.ambiguous > 0)
      write(`${result.ambiguous} could be one of several copies; nothing is said of them.\n`);
    if (result.arrived > result.resolved && !result.resolveAsked)
      write('With --resolve those count as sent, with the log as evidence.\n');
  }

  end(sound: boolean, breaks: number): void {
    write(sound ? 'Nothing is missing.\n' : `It does not add up: ${breaks} found, named above.\n`);
  }
}

class JsonReport implements Report {
  #breaks = 0;
  #parts: string[] = [];

  balances(books: readonly Balance[]): void {
    this.#parts.push(`"workspaces":${JSON.stringify(books)}`);
  }

  broken(broken: Broken): void {
    write(`${this.#breaks++ === 0 ? '{"found":[' : ','}${JSON.stringify(broken)}`);
  }

  against(result: Against): void {
    this.#parts.push(`"against":${JSON.stringify(result)}`);
  }

  end(sound: boolean): void {
    write(`${this.#breaks === 0 ? '{"found":[' : ''}],${[...this.#parts, `"ok":${sound}`].join(',')}}\n`);
  }
}
