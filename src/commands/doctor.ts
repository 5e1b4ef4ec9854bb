import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import { ConfigError, readConfig } from '../config.ts';
import { connectDatabase } from '../database.ts';
import {
  databaseChecks,
  diskChecks,
  type Finding,
  keyCheck,
  logCheck,
  programCheck,
  queueChecks,
} from './doctor-checks.ts';
import { hasDatabase, print } from './with-database.ts';

/** EX_UNAVAILABLE of sysexits: a promise does not hold here. */
const EX_UNAVAILABLE = 69;

/** Looks at everything the promises rest on, and changes nothing. Also beside a running program. */
export function doctorCommand(version: string) {
  return async (args: string[]): Promise<number> => {
    const { values } = parseArgs({ args, options: { json: { type: 'boolean' } } });
    const findings = await examine(version);
    const bad = findings.filter((one) => one.status === 'bad').length;
    const warnings = findings.filter((one) => one.status === 'warn').length;
    print(values.json, { ok: bad === 0, findings }, [
      ...findings.map(
        (one) =>
          `${one.status.padEnd(4)}  ${one.check.padEnd(11)}  ${one.value}${one.advice ? `. ${one.advice}` : ''}`,
      ),
      '',
      bad + warnings === 0 ? 'All is well.' : `${bad} bad, ${warnings} to look at.`,
    ]);
    return bad === 0 ? 0 : EX_UNAVAILABLE;
  };
}

async function examine(version: string): Promise<Finding[]> {
  const config = readConfig(process.env, process.cwd());
  const findings = [programCheck(version)];
  for (const warning of config.warnings)
    findings.push({ check: 'settings', status: 'warn', value: 'A setting looks mistyped', advice: warning });
  if (!hasDatabase(config)) {
    const advice = `Set DATA_DIR to the folder of an installation, or start one: npm start`;
    return [...findings, { check: 'database', status: 'bad', value: `None in ${config.dataDir}`, advice }];
  }
  findings.push(...(await diskChecks(config, systemClock)));
  try {
    const db = await connectDatabase(config);
    try {
      findings.push(...(await databaseChecks(db, systemClock)));
      findings.push(await keyCheck(config, db));
      findings.push(...(await logCheck(config, db)));
      findings.push(...(await queueChecks(db, systemClock.now())));
    } finally {
      await db.close();
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    findings.push({ check: 'database', status: 'bad', value: 'It cannot be opened', advice: error.message });
  }
  return findings;
}
