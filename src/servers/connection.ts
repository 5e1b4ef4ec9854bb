import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import { AppError } from '../errors.ts';
import type { Security } from '../transport/endpoint.ts';
import { serverType, sesHost } from './types.ts';

/** What the form and the API may say about how to connect. */
export interface ConnectionInput {
  type: string;
  region?: string | null | undefined;
  host?: string | null | undefined;
  port?: number | null | undefined;
  security?: Security | null | undefined;
  username?: string | null | undefined;
  password?: string | null | undefined;
  token?: string | null | undefined;
}

/** How to connect, after the service type filled in what it knows. */
export interface Connection {
  type: string;
  region: string | null;
  host: string;
  port: number;
  security: Security;
  username: string | null;
  password: string | null;
}

const MAX_HOST = 253; // RFC 1035 §2.3.4
const MAX_CREDENTIAL = 1_000;

/** Ports of other protocols, with what they are for: a wrong one is nearly always a mix-up. */
const OTHER_PORTS: Record<number, string> = {
  20: 'FTP',
  21: 'FTP',
  22: 'SSH',
  23: 'Telnet',
  53: 'DNS',
  80: 'web pages',
  110: 'reading mail (POP3)',
  135: 'Windows RPC',
  139: 'file sharing',
  143: 'reading mail (IMAP)',
  389: 'LDAP',
  445: 'file sharing',
  636: 'LDAP',
  993: 'reading mail (IMAP)',
  995: 'reading mail (POP3)',
  1433: 'a database',
  2049: 'file sharing',
  2375: 'Docker',
  3306: 'a database',
  3389: 'remote desktop',
  5432: 'a database',
  5672: 'a message broker',
  6379: 'Redis',
  8080: 'web pages',
  9200: 'Elasticsearch',
  11211: 'memcached',
  27017: 'a database',
};

/** Fills in what the service type knows and checks the rest. @throws AppError with the field's own code. */
export function checkConnection(input: ConnectionInput): Connection {
  const type = serverType(input.type);
  if (!type)
    throw new AppError(
      'type_unknown',
      'This service type is unknown. GET /v1/server-types lists them; `generic` takes any SMTP server.',
      { field: 'type' },
    );
  const region = type.type === 'aws_ses' ? checkRegion(input.region) : null;
  const host = region ? sesHost(region)! : (type.host ?? checkHost(input.host));
  const credentials = checkCredentials(input, type.type);
  return {
    type: type.type,
    region,
    host,
    port: checkPort(input.port ?? type.port),
    security: input.security ?? type.security ?? 'starttls',
    ...credentials,
  };
}

function checkRegion(region: string | null | undefined): string {
  const text = region?.trim() ?? '';
  if (text === '')
    throw new AppError('region_required', 'Choose the region of your SES account.', { field: 'region' });
  if (!sesHost(text)) {
    throw new AppError(
      'region_unknown',
      `"${text.slice(0, 40)}" is not a region name. It looks like eu-central-1; GET /v1/server-types lists those with an SMTP endpoint.`,
      { field: 'region' },
    );
  }
  return text;
}

function checkHost(given: string | null | undefined): string {
  const refuse = (code: string, message: string, suggestion?: string) =>
    new AppError(code, message, { field: 'host', ...(suggestion ? { detail: { suggestion } } : {}) });
  const host = given ?? '';
  if (/[\x00-\x1f\x7f]/.test(host))
    throw refuse('host_invalid', 'The host holds a control character or a line break. Type the name again.');
  const text = host.trim().replace(/\.$/, '');
  if (text === '') throw refuse('host_required', 'Enter the server’s name, for example smtp.example.com.');
  const url = /^[a-z][a-z0-9+.-]*:\/\/([^/:?#]*)/i.exec(text);
  if (url) throw refuse('host_invalid', 'Enter only the server name, without https://.', url[1]);
  if (text.includes('@'))
    throw refuse(
      'host_invalid',
      'This looks like an email address. Enter the server’s name, for example smtp.example.com.',
    );
  if (/\s/.test(text))
    throw refuse('host_invalid', 'The server’s name contains a space.', text.replace(/\s+/g, ''));
  if (text.includes('/'))
    throw refuse('host_invalid', 'Enter only the server name, without a path.', text.split('/')[0]);
  const bare = text.replace(/^\[|\]$/g, '').toLowerCase();
  if (ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare)) return bare;
  const withPort = /^(.+):(\d+)$/.exec(text);
  if (withPort)
    throw new AppError(
      'host_has_port',
      `Enter the port in its own field: host ${withPort[1]}, port ${withPort[2]}.`,
      { field: 'host', detail: { host: withPort[1], port: Number(withPort[2]) } },
    );
  return checkName(text, refuse);
}

/** A host name by the rules of RFC 1123 §2.1; numbers in disguise (`2130706433`, `0x7f.1`) are refused. */
function checkName(text: string, refuse: (code: string, message: string) => AppError): string {
  const ascii = /[^\x00-\x7f]/.test(text) ? domainToASCII(text) : text.toLowerCase();
  if (ascii.length > MAX_HOST || ascii.split('.').some((label) => label.length > 63)) {
    throw refuse(
      'host_invalid',
      'The server’s name is too long: at most 253 characters, and 63 between two dots.',
    );
  }
  if (!/^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(ascii)) {
    throw refuse('host_invalid', 'This is not a server name. It looks like smtp.example.com.');
  }
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/.test(ascii))
    throw refuse(
      'host_invalid',
      'Write an IP address with four numbers, as 192.0.2.1, or use the server’s name.',
    );
  return ascii;
}

function checkPort(port: number | null | undefined): number {
  if (port === null || port === undefined)
    throw new AppError('port_required', 'Enter the port: 587 or 465 are usual.', { field: 'port' });
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new AppError('port_invalid', 'The port is a whole number from 1 to 65535.', { field: 'port' });
  return port;
}

/** The refusal for a port of another protocol, or undefined. Own servers on private addresses may use any port. */
export function otherProtocol(port: number): AppError | undefined {
  const use = OTHER_PORTS[port];
  return use === undefined
    ? undefined
    : new AppError('port_not_smtp', `Port ${port} is for ${use}. For sending, use 587 or 465.`, {
        field: 'port',
      });
}

function checkCredentials(input: ConnectionInput, type: string): Pick<Connection, 'username' | 'password'> {
  const token = type === 'postmark' ? (input.token ?? undefined) : undefined;
  const username = token ?? input.username ?? null;
  let password = token ?? input.password ?? null;
  if (type === 'gmail' && password !== null) password = password.replace(/\s+/g, '');
  const field = token === undefined ? 'password' : 'token';
  if (username !== null && (/[\x00-\x1f\x7f]/.test(username) || username.length > MAX_CREDENTIAL)) {
    throw new AppError('username_invalid', 'The user name holds a control character or is too long.', {
      field: token === undefined ? 'username' : 'token',
    });
  }
  if (password !== null && (/[\r\n\x00]/.test(password) || password.length > MAX_CREDENTIAL)) {
    throw new AppError(
      'password_invalid',
      'The password holds a line break or is too long. Paste it again.',
      { field },
    );
  }
  if (username && !password)
    throw new AppError('password_required', 'Enter the password that belongs to this user name.', { field });
  if (password && !username)
    throw new AppError('username_required', 'Enter the user name that belongs to this password.', {
      field: 'username',
    });
  if (!username && type !== 'generic') {
    const first = type === 'postmark' ? 'token' : 'username';
    throw new AppError(
      `${first}_required`,
      type === 'postmark' ? 'Enter the Server API token.' : 'Enter the user name.',
      { field: first },
    );
  }
  return { username: username || null, password: password || null };
}
