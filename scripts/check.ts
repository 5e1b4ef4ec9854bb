import { join } from 'node:path';
import { ensurePackages, root, run, step } from './ensure.ts';

// `npm run check`: types, lint and form, unused code. `npm test` begins with it.
const bin = (name: string) => join(root, 'node_modules', '.bin', name);

ensurePackages();
step('Checking the types of the server', () => run(bin('tsc'), ['-p', 'tsconfig.json']));
step('Checking the types of the web app', () => run(bin('tsc'), ['-p', 'web/tsconfig.json']));
step('Checking lint and form', () => run(bin('biome'), ['ci', '--error-on-warnings', '.']));
step('Looking for unused code', () => run(bin('knip'), []));
