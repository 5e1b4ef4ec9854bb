import { describe, expect, test } from 'vitest';
import { SERVER_TYPES, serverType, sesHost } from './types.ts';

test('the types are those that people know, and the way out for all others', () => {
  expect(SERVER_TYPES.map((one) => one.type)).toEqual([
    'aws_ses',
    'gmail',
    'mailchimp',
    'postmark',
    'turbosmtp',
    'generic',
  ]);
  expect(serverType('nobody')).toBeUndefined();
});

describe.each(SERVER_TYPES.map((one) => [one.type, one] as const))('%s', (_, type) => {
  test('asks for what it cannot know, and fills in the rest', () => {
    const asked = type.fields.map((field) => field.name);
    expect(asked.includes('host')).toBe(type.host === undefined && type.regions === undefined);
    expect(asked.includes('region')).toBe(type.regions !== undefined);
    expect(asked.some((name) => ['password', 'token'].includes(name))).toBe(true);
    expect(type.port).toBeGreaterThan(0);
    expect(type.security).not.toBe('none');
    for (const field of type.fields) expect(field.label).not.toBe('');
  });

  test('says when and where its figures were read', () => {
    expect(type.asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(type.source).toMatch(/^https:\/\//);
  });
});

describe('SES', () => {
  const regions = serverType('aws_ses')!.regions!;

  test('has at least 21 endpoints, each once', () => {
    expect(regions.length).toBeGreaterThanOrEqual(21);
    expect(new Set(regions.map((one) => one.host)).size).toBe(regions.length);
    expect(new Set(regions.map((one) => one.region)).size).toBe(regions.length);
  });

  test('has all of them at Amazon, under the name of their region', () => {
    for (const { region, host } of regions) {
      const fips = region.endsWith('-fips');
      expect(host).toBe(`email-smtp${fips ? '-fips' : ''}.${region.replace(/-fips$/, '')}.amazonaws.com`);
      expect(sesHost(region)).toBe(host);
    }
  });

  test.each(['us-east-1', 'eu-central-1', 'ap-northeast-3', 'sa-east-1', 'us-gov-east-1', 'eu-south-1'])(
    'has %s',
    (region) => {
      expect(regions.map((one) => one.region)).toContain(region);
    },
  );
});
