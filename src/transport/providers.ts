import type { Provider } from './reply-rules.ts';

/** A provider is known by its preset, and by its host name when the server was entered by hand. */
export function providerOf(
  { preset, host }: { preset?: string | undefined; host: string },
  words: string,
): Provider | undefined {
  const known = PROVIDERS.find(
    ({ provider, presets, hosts }) =>
      preset === provider || presets.includes(preset ?? '') || hosts.test(host),
  );
  return (known ?? PROVIDERS.find(({ signs }) => signs?.test(words)))?.provider;
}

/** `signs`: what the provider writes into its replies, which tells it behind any host name. */
const PROVIDERS: { provider: Provider; presets: string[]; hosts: RegExp; signs?: RegExp }[] = [
  {
    provider: 'ses',
    presets: ['aws_ses'],
    hosts: /^email-smtp(-fips)?\..*\.amazonaws\.com(\.cn)?$/i,
    signs: /^535 Authentication Credentials Invalid\.?$|\bAmazon ?SES\b/i,
  },
  {
    provider: 'gmail',
    presets: ['gmail', 'google_workspace', 'google_relay'],
    hosts: /^smtp(-relay)?\.(gmail|googlemail)\.com$/i,
    signs: /\bgsmtp\b|support\.google\.com/i,
  },
  {
    provider: 'microsoft',
    presets: ['microsoft365', 'microsoft_365', 'outlook', 'office365'],
    hosts: /\.(office365|outlook)\.com$/i,
    signs: /\.(prod|protection)\.outlook\.com\b|\bSTOREDRV\b/i,
  },
  { provider: 'postmark', presets: [], hosts: /\.postmarkapp\.com$/i },
  { provider: 'mandrill', presets: ['mailchimp'], hosts: /\.mandrillapp\.com$/i },
  { provider: 'zeptomail', presets: [], hosts: /\.zeptomail\.[a-z.]+$/i },
];

/** Names of presets and services that the rules know. */
export const KNOWN_PRESETS: readonly string[] = PROVIDERS.flatMap(({ provider, presets }) => [
  provider,
  ...presets,
]);
