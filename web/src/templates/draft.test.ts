import { describe, expect, test } from 'vitest';
import { draftOf, isSame, NEW_DRAFT, slugOf, templateBody } from './draft.ts';
import type { TemplateView } from './queries.ts';

const template = {
  slug: 'welcome',
  name: 'Welcome',
  subject: 'Hello',
  html: '<p>Hi</p>',
  text: 'Hi',
  textGenerated: true,
  preheader: null,
  from: null,
  replyTo: null,
  server: null,
  failover: 'strict',
  priority: 'normal',
  onUncertain: 'hold',
  version: 3,
} as TemplateView;

describe('a draft of a stored template', () => {
  test('leaves a generated text part to be generated again', () => {
    expect(draftOf(template).text).toBe('');
    expect(templateBody(draftOf(template)).text).toBeNull();
  });

  test('keeps a written text part as it was written', () => {
    expect(templateBody(draftOf({ ...template, textGenerated: false, text: ' Hi\n' })).text).toBe(' Hi\n');
  });

  test('is the same until something is typed', () => {
    const draft = draftOf(template);
    expect(isSame(draft, { ...draft })).toBe(true);
    expect(isSame(draft, { ...draft, subject: 'Hello!' })).toBe(false);
  });
});

test('what is empty is sent as absent', () => {
  expect(templateBody(NEW_DRAFT)).toMatchObject({
    preheader: null,
    from: null,
    replyTo: null,
    server: null,
    name: null,
  });
});

test.each([
  ['Welcome mail', 'welcome-mail'],
  ['  Réinitialiser le mot de passe! ', 'reinitialiser-le-mot-de-passe'],
  ['100 % off', '100-off'],
  ['你好', ''],
])('"%s" gives the slug "%s"', (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});
