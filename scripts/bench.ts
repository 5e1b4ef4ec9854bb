import { ensurePackages } from './ensure.ts';

// `npm run bench`: installs what is missing, then measures.
ensurePackages();
await import('../bench/run.ts');
