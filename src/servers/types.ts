import type { Security } from '../transport/endpoint.ts';

/** What a field of the form is called and means for one service type. */
export interface FieldHint {
  name: 'region' | 'host' | 'port' | 'security' | 'username' | 'password' | 'token';
  label: string;
  hint?: string;
}

export interface Region {
  region: string;
  name: string;
  host: string;
}

/** One service type, as data: what is filled in, what is asked, what to know. Figures change; `asOf` says when they were read. */
export interface ServerType {
  type: string;
  name: string;
  fields: FieldHint[];
  regions?: Region[];
  host?: string;
  port?: number;
  security?: Security;
  hints: string[];
  limits: { text: string; perSecond?: number; perDay?: number; perMonth?: number; messageMegabytes?: number };
  asOf: string;
  source: string;
}

const ses = (region: string, name: string): Region => ({
  region,
  name,
  host: `email-smtp.${region}.amazonaws.com`,
});
const sesFips = (region: string, name: string): Region => ({
  region: `${region}-fips`,
  name: `${name} (FIPS)`,
  host: `email-smtp-fips.${region}.amazonaws.com`,
});

/** SMTP endpoints of Amazon SES (docs.aws.amazon.com/ses/latest/dg/smtp-connect.html and the AWS endpoint tables). */
const SES_REGIONS: Region[] = [
  ses('us-east-1', 'US East (N. Virginia)'),
  ses('us-east-2', 'US East (Ohio)'),
  ses('us-west-1', 'US West (N. California)'),
  ses('us-west-2', 'US West (Oregon)'),
  ses('ca-central-1', 'Canada (Central)'),
  ses('sa-east-1', 'South America (São Paulo)'),
  ses('ap-south-1', 'Asia Pacific (Mumbai)'),
  ses('ap-northeast-1', 'Asia Pacific (Tokyo)'),
  ses('ap-northeast-2', 'Asia Pacific (Seoul)'),
  ses('ap-northeast-3', 'Asia Pacific (Osaka)'),
  ses('ap-southeast-1', 'Asia Pacific (Singapore)'),
  ses('ap-southeast-2', 'Asia Pacific (Sydney)'),
  ses('eu-central-1', 'Europe (Frankfurt)'),
  ses('eu-west-1', 'Europe (Ireland)'),
  ses('eu-west-2', 'Europe (London)'),
  ses('eu-west-3', 'Europe (Paris)'),
  ses('eu-south-1', 'Europe (Milan)'),
  ses('eu-north-1', 'Europe (Stockholm)'),
  ses('us-gov-west-1', 'AWS GovCloud (US-West)'),
  ses('us-gov-east-1', 'AWS GovCloud (US-East)'),
  sesFips('us-east-1', 'US East (N. Virginia)'),
  sesFips('us-west-2', 'US West (Oregon)'),
  sesFips('us-gov-west-1', 'AWS GovCloud (US-West)'),
];

export const SERVER_TYPES: readonly ServerType[] = [
  {
    type: 'aws_ses',
    name: 'AWS SES',
    fields: [
      {
        name: 'region',
        label: 'Region',
        hint: 'The region your identities are verified in. Credentials of one region fail in another.',
      },
      {
        name: 'username',
        label: 'SMTP username',
        hint: 'SES console → SMTP settings → Create SMTP credentials. It starts with AKIA.',
      },
      {
        name: 'password',
        label: 'SMTP password',
        hint: 'Shown once when the SMTP credentials are made. It is not the secret access key.',
      },
    ],
    regions: SES_REGIONS,
    port: 587,
    security: 'starttls',
    hints: [
      'New accounts are in the SES sandbox: only verified addresses receive mail until you request production access.',
    ],
    limits: {
      text: 'In the SES sandbox 200 messages a day, 1 a second. Your quotas are in the SES console.',
      messageMegabytes: 40,
    },
    asOf: '2026-11-23',
    source: 'https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html',
  },
  {
    type: 'gmail',
    name: 'Gmail',
    fields: [
      { name: 'username', label: 'Gmail address', hint: 'The full address, such as you@gmail.com.' },
      {
        name: 'password',
        label: 'App password',
        hint: 'Google Account → Security → 2-Step Verification → App passwords. Your normal password does not work.',
      },
    ],
    host: 'smtp.gmail.com',
    port: 465,
    security: 'ssl',
    hints: [
      'Google shows app passwords in four groups; the spaces are removed for you.',
      'Gmail sends as the account itself or one of its verified aliases.',
    ],
    limits: {
      text: 'About 500 messages a day for personal accounts, 2,000 for Google Workspace.',
      perDay: 500,
      messageMegabytes: 25,
    },
    asOf: '2026-11-23',
    source: 'https://support.google.com/mail/answer/22839',
  },
  {
    type: 'mailchimp',
    name: 'Mailchimp',
    fields: [
      { name: 'username', label: 'Username', hint: 'Any text; the account’s main address is advised.' },
      {
        name: 'password',
        label: 'API key',
        hint: 'Mailchimp Transactional (Mandrill) → Settings → SMTP & API info → any active API key.',
      },
    ],
    host: 'smtp.mandrillapp.com',
    port: 587,
    security: 'starttls',
    hints: ['This is Mailchimp Transactional, formerly Mandrill. Sending domains must be verified there.'],
    limits: { text: 'The hourly quota follows your reputation there.', messageMegabytes: 25 },
    asOf: '2026-11-23',
    source: 'https://mailchimp.com/developer/transactional/docs/smtp-integration/',
  },
  {
    type: 'postmark',
    name: 'Postmark',
    fields: [
      {
        name: 'token',
        label: 'Server API token',
        hint: 'Postmark → your server → API Tokens. It serves as user name and password.',
      },
    ],
    host: 'smtp.postmarkapp.com',
    port: 587,
    security: 'starttls',
    hints: [
      'Use the Server API token, not the Account token.',
      'SMTP must be switched on in the server’s settings.',
    ],
    limits: { text: 'No daily cap; your plan counts per month.', messageMegabytes: 10 },
    asOf: '2026-11-23',
    source: 'https://postmarkapp.com/support/article/811-how-do-i-send-with-smtp',
  },
  {
    type: 'turbosmtp',
    name: 'TurboSMTP',
    fields: [
      {
        name: 'username',
        label: 'Consumer key',
        hint: 'TurboSMTP dashboard → API keys. Older accounts use their email address.',
      },
      { name: 'password', label: 'Consumer secret', hint: 'Shown when the API key is made.' },
    ],
    host: 'pro.turbo-smtp.com',
    port: 465,
    security: 'ssl',
    hints: ['Accounts in the EU use the host pro.eu.turbo-smtp.com: choose Other / Generic SMTP for it.'],
    limits: { text: 'Free accounts: 6,000 messages a month, 200 a day.', perDay: 200, perMonth: 6_000 },
    asOf: '2026-11-23',
    source: 'https://serversmtp.com/smtp-api-keys/',
  },
  {
    type: 'generic',
    name: 'Other / Generic SMTP',
    fields: [
      { name: 'host', label: 'Host', hint: 'The server’s name, such as smtp.example.com.' },
      {
        name: 'port',
        label: 'Port',
        hint: '587 with STARTTLS and 465 with SSL are usual; 25 and 2525 exist.',
      },
      {
        name: 'security',
        label: 'Encryption',
        hint: 'Use SSL: encrypted from the first byte. Use STARTTLS: upgraded after connecting.',
      },
      { name: 'username', label: 'Username', hint: 'Leave empty when the server needs no sign-in.' },
      { name: 'password', label: 'Password' },
    ],
    port: 587,
    security: 'starttls',
    hints: ['Any server that speaks SMTP: your own Postfix or Exchange, or a provider that is not listed.'],
    limits: { text: 'None are set.' },
    asOf: '2026-11-23',
    source: 'https://www.rfc-editor.org/rfc/rfc6409',
  },
];

export function serverType(type: string): ServerType | undefined {
  return SERVER_TYPES.find((one) => one.type === type);
}

/** A region that is not listed is tried under the host name SES would give it; validation has the last word. */
export function sesHost(region: string): string | undefined {
  const known = SES_REGIONS.find((one) => one.region === region);
  if (known) return known.host;
  return /^[a-z]{2}(-[a-z]{2,12}){1,2}-\d$/.test(region) ? ses(region, region).host : undefined;
}
