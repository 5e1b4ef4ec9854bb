import { describe, inject } from 'vitest';
import { suite } from './suite.ts';

describe.skipIf(!inject('postgresUrl'))('on postgres (Debian package postgresql)', () => suite('postgres'));
