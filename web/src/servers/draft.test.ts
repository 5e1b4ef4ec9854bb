import { describe, expect, test } from 'vitest';
import { changeBody, draftOf, emptyDraft, newServerBody, withSecurity } from './draft.ts';
import type { ServerTypeView, ServerView } from './queries.ts';

const GENERIC: ServerTypeView = {
  type: 'generic',
  name: 'Other / Generic SMTP',
  fields: [
    { name: 'host', label: 'Host' },
    { name: 'port', label: 'Port' },
    { name: 'security', label: 'Encryption' },
    { name: 'username', label: 'Username' },
    { name: 'password', label: 'Password' },
  ],
  port: 587,
  security: 'starttls',
  hints: [],
  limits: { text: '' },
  asOf: '2026-11-23',
  source: '',
};
const POSTMARK: ServerTypeView = {
  ...GENERIC,
  type: 'postmark',
  fields: [{ name: 'token', label: 'Server API token' }],
};

describe('adding a server', () => {
  test('a preset sends its credentials only: host, port and encryption are known', () => {
    expect(newServerBody(POSTMARK, { ...emptyDraft(POSTMARK), token: ' abc ' })).toEqual({
      type: 'postmark',
      token: 'abc',
    });
  });

  test('generic SMTP sends the connection whole, and of Advanced what was filled in', () => {
    const draft = {
      ...emptyDraft(GENERIC),
      host: 'smtp.example.com',
      port: '2525',
      allowedFrom: '@example.com,\n a@example.org',
      maxConnections: '3',
    };
    expect(newServerBody(GENERIC, draft)).toEqual({
      type: 'generic',
      host: 'smtp.example.com',
      port: 2525,
      security: 'starttls',
      username: null,
      password: null,
      allowedFrom: ['@example.com', 'a@example.org'],
      maxConnections: 3,
    });
  });

  test('a port that is no number is sent as typed, for the answer to name it', () => {
    expect(newServerBody(GENERIC, { ...emptyDraft(GENERIC), port: '58 7' }).port).toBe('58 7');
  });
});

describe('changing a server', () => {
  const server = {
    name: 'Mail',
    region: null,
    host: 'smtp.example.com',
    port: 587,
    security: 'starttls',
    username: 'u',
    heloName: null,
    allowedFrom: [],
    maxConnections: 5,
    tlsCa: null,
    tlsFingerprint: null,
    tlsServerName: null,
  } as unknown as ServerView;

  test('an untouched form changes nothing, so nothing is checked again', () => {
    expect(changeBody(server, draftOf(server))).toEqual({});
  });

  test('an empty password keeps the stored one; a typed one is sent', () => {
    expect(changeBody(server, { ...draftOf(server), name: 'Office', password: '' })).toEqual({
      name: 'Office',
    });
    expect(changeBody(server, { ...draftOf(server), password: ' s ' })).toEqual({ password: ' s ' });
  });

  test('an emptied field is sent as null', () => {
    expect(changeBody(server, { ...draftOf(server), username: '' })).toEqual({ username: null });
  });
});

describe('switching the encryption', () => {
  test('brings the usual port along', () => {
    expect(withSecurity(emptyDraft(GENERIC), 'ssl')).toMatchObject({ security: 'ssl', port: '465' });
  });

  test('leaves a port that was chosen on purpose', () => {
    expect(withSecurity({ ...emptyDraft(GENERIC), port: '2525' }, 'ssl')).toMatchObject({
      security: 'ssl',
      port: '2525',
    });
  });
});
