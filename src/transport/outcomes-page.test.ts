import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLine } from './read-line.ts';
import { VERDICTS, type Verdict } from './verdicts.ts';

// docs/smtp-outcomes.md says what the rules say.

const page = readFileSync(join(import.meta.dirname, '../../docs/smtp-outcomes.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.slice(2, -2).split(' | '));
const quoted = (cell: string | undefined): string => cell?.replace(/^`|`$/g, '') ?? '';

test.each(Object.entries(VERDICTS as Record<string, Verdict>))('%s has its row', (name, verdict) => {
  const mark = verdict.scope === 'sender' ? ' ◦' : verdict.failover ? ' ▸' : '';
  const row = [`\`${verdict.code ?? name}\``, `\`${verdict.class}\`${mark}`, verdict.blame, verdict.says];
  expect(rows).toContainEqual(row);
});

const real = rows.filter((row) => /^`\d{3}[ -]/.test(row[1] ?? ''));

describe('what real servers write', () => {
  test('has thirty rows and more', () => {
    expect(real.length).toBeGreaterThanOrEqual(30);
  });

  test.each(real)('%s: %s', (_, reply, code, outcomeClass, sentence) => {
    const context = { server: 'the server', host: 'the server', port: 587 };
    const { outcome } = readLine(quoted(reply), { context });
    expect([outcome.code, outcome.class]).toEqual([quoted(code), quoted(outcomeClass)]);
    const said = outcome.message.replace(outcome.reply ?? '', '…').replace(/^the server\b/, 'The server');
    expect(said).toBe(sentence);
  });
});
