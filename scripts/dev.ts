import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensurePackages, root } from './ensure.ts';

// `npm run dev`: the API restarts when a source file changes; Vite serves the web app and passes API calls on to it.
ensurePackages();
const children = [
  spawn(
    process.execPath,
    ['--watch', '--watch-path', join(root, 'src'), join(root, 'src', 'main.ts'), 'serve'],
    { cwd: root, stdio: 'inherit' },
  ),
  spawn(join(root, 'node_modules', '.bin', 'vite'), ['web'], { cwd: root, stdio: 'inherit' }),
];
const end = () => {
  for (const child of children) child.kill('SIGTERM');
};
process.on('SIGINT', end);
process.on('SIGTERM', end);
for (const child of children) child.on('exit', end);
