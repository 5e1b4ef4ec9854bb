import { join } from 'node:path';
import { ensurePackages, ensureWebApp, root } from './ensure.ts';

// `npm start`: installs what is missing, then becomes the program itself: one process, one signal.
ensurePackages();
ensureWebApp();
process.argv = [process.argv[0]!, join(root, 'src', 'main.ts'), 'serve', ...process.argv.slice(2)];
await import('../src/main.ts');
