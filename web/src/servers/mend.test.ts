import { describe, expect, test } from 'vitest';
import { ApiError } from '../api.ts';
import type { ServerDraft } from './draft.ts';
import { mendOf } from './mend.ts';

const draft = { host: 'smtp.example.com', port: '587', security: 'starttls' } as ServerDraft;
const error = (code: string, detail: Record<string, unknown> = {}) =>
  new ApiError(422, { code, message: 'It failed.', detail });

describe('an own host', () => {
  test.each([
    ['tls_mode_should_be_ssl', draft, { security: 'ssl' }],
    ['tls_mode_should_be_starttls', { ...draft, security: 'ssl', port: '465' }, { security: 'starttls' }],
    ['starttls_missing', draft, { security: 'ssl', port: '465' }],
    ['plaintext_password', { ...draft, security: 'none', port: '25' }, { security: 'starttls', port: '587' }],
    ['connect_refused', draft, { security: 'ssl', port: '465' }],
    ['connect_timeout', { ...draft, port: '25' }, { security: 'starttls', port: '587' }],
    ['auth_not_offered', { ...draft, security: 'none' }, { security: 'starttls' }],
    ['auth_not_offered', draft, { username: '', password: '' }],
  ] as const)('%s is mended by one button', (code, given, change) => {
    expect(mendOf(error(code), given, true)?.change).toEqual(change);
  });

  test('a port within the host is moved to its field', () => {
    const mend = mendOf(error('host_has_port', { host: 'smtp.example.com', port: 2525 }), draft, true);
    expect(mend).toEqual({
      label: 'Use host smtp.example.com and port 2525',
      change: { host: 'smtp.example.com', port: '2525' },
    });
  });

  test('a host that can be guessed is offered, another is left to the reader', () => {
    expect(mendOf(error('host_invalid', { suggestion: 'smtp.example.com' }), draft, true)?.change).toEqual({
      host: 'smtp.example.com',
    });
    expect(mendOf(error('host_invalid'), draft, true)).toBeUndefined();
  });
});

test('a private address is asked about only where the answer counts', () => {
  const detail = { address: '10.0.0.5', host: 'mail.example.com', mayAllow: true };
  expect(mendOf(error('host_not_allowed', detail), draft, true)).toMatchObject({
    question: '10.0.0.5 is a private address. Is it your own mail server?',
    allowPrivate: true,
  });
  expect(mendOf(error('host_not_allowed', { ...detail, mayAllow: false }), draft, true)).toBeUndefined();
});

test('a preset keeps its host, port and encryption', () => {
  expect(mendOf(error('tls_mode_should_be_ssl'), draft, false)).toBeUndefined();
  expect(mendOf(error('connect_timeout'), draft, false)).toEqual({ label: 'Try again', change: {} });
});

test('a wrong password is nothing a button can mend', () => {
  expect(mendOf(error('auth_rejected'), draft, true)).toBeUndefined();
});
