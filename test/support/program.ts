import { join } from 'node:path';
import * as program from '../../src/selftest/program.ts';
import { OWNER } from '../../src/testing/test-app.ts';

export { callApi, type Program } from '../../src/selftest/program.ts';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** Makes the first user and its workspace. */
export const SETUP = [
  'setup',
  '--email',
  OWNER.email,
  '--workspace',
  OWNER.workspace,
  '--password',
  OWNER.password,
];

/** As people start it. */
const launcher: program.Launcher = { command: [join(projectRoot, 'bin', 'mailwright')], env: process.env };

export function startProgram(dataDir: string, env: Record<string, string> = {}): Promise<program.Program> {
  return program.startProgram(launcher, dataDir, env);
}

/** Runs a command of the program to its end. */
export function runProgram(args: string[], env: Record<string, string>, input = ''): Promise<program.Ended> {
  return program.runProgram(launcher, args, env, input);
}
