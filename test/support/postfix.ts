import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedProgram } from '../../scripts/debian.ts';
import { freePorts } from '../../src/testing/ports.ts';
import {
  DELIVERER,
  type Folder,
  HOST,
  MAX_BYTES,
  type MailServer,
  makeFolder,
  run,
  SENDER,
  SIGN_IN,
  startServer,
} from './mail-server.ts';

const MASTER = '/usr/lib/postfix/sbin/master';
const SASLPASSWD = unpackedProgram('usr/sbin/saslpasswd2');
const NAME = 'postfix.example.com';

/** Why Postfix cannot run here; undefined where it can. */
export const postfixMissing = reason();

function reason(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start Postfix';
  if (!existsSync(MASTER)) return 'the Debian package postfix is missing';
  if (!SASLPASSWD) return 'the Debian package sasl2-bin is missing';
  if (!existsSync('/usr/share/doc/libsasl2-modules')) return 'the Debian package libsasl2-modules is missing';
  return undefined;
}

export async function startPostfix(): Promise<MailServer> {
  const folder = makeFolder();
  const [port, sslPort] = (await freePorts(2)) as [number, number];
  const queue = join(folder.path, 'queue');
  folder.open('mail');
  mkdirSync(queue);
  folder.write('main.cf', mainCf(folder.path));
  folder.write('master.cf', masterCf(port, sslPort));
  folder.write('mailboxes', '/^user.*@example\\.com$/ ./\n');
  storePassword(folder);
  // Makes the folders of the queue, with owners and modes as Postfix wants them.
  must('/usr/sbin/postfix', ['-c', folder.path, 'check']);
  return startServer({
    folder,
    port,
    sslPort,
    logFile: join(folder.path, 'log'),
    run: () => run(MASTER, ['-c', folder.path, '-s'], port),
    queue: [join(queue, 'incoming'), join(queue, 'active')],
    isMessage: isComplete,
  });
}

/** What Postfix had not read to its end when it was stopped stays behind without the mode that marks a message. */
function isComplete(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o100) !== 0;
}

/** postconf(5). Nothing of it looks outside the folder, and no service exists that could connect to anybody. */
function mainCf(path: string): string {
  const settings = {
    compatibility_level: '3.6',
    queue_directory: `${path}/queue`,
    data_directory: `${path}/data`,
    maillog_file: `${path}/log`,
    maillog_file_prefixes: path,
    myhostname: NAME,
    mydestination: '',
    mynetworks: '',
    alias_maps: '',
    inet_interfaces: HOST,
    inet_protocols: 'ipv4',
    smtpd_tls_security_level: 'encrypt',
    smtpd_tls_cert_file: `${path}/cert.pem`,
    smtpd_tls_key_file: `${path}/key.pem`,
    smtpd_sasl_auth_enable: 'yes',
    cyrus_sasl_config_path: `${path}/sasl`,
    smtpd_sender_login_maps: `inline:{ {${SENDER} = ${SIGN_IN.username}} }`,
    smtpd_sender_restrictions: 'reject_sender_login_mismatch',
    smtpd_recipient_restrictions: 'permit_sasl_authenticated, reject',
    virtual_mailbox_domains: 'example.com',
    virtual_mailbox_base: `${path}/mail`,
    virtual_mailbox_maps: `regexp:${path}/mailboxes`,
    virtual_mailbox_limit: '0',
    virtual_uid_maps: `static:${DELIVERER.uid}`,
    virtual_gid_maps: `static:${DELIVERER.gid}`,
    message_size_limit: String(MAX_BYTES),
    default_transport: 'error:nothing leaves this machine',
    relay_transport: 'error:nothing leaves this machine',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

/** master(5): type, private, unprivileged, chroot, wakeup, most processes, command. */
function masterCf(port: number, sslPort: number): string {
  return `
${HOST}:${port} inet n - n - - smtpd
${HOST}:${sslPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
postlog unix-dgram n - n - 1 postlogd
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
virtual unix - n n - - virtual
error unix - - n - - error
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
`;
}

/** Sign-in by Cyrus SASL with a password file. */
function storePassword(folder: Folder): void {
  const passwords = join(folder.path, 'sasldb2');
  mkdirSync(join(folder.path, 'sasl'));
  folder.write(
    'sasl/smtpd.conf',
    `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${passwords}\nmech_list: PLAIN LOGIN\n`,
  );
  must(SASLPASSWD!, ['-p', '-c', '-f', passwords, '-u', NAME, SIGN_IN.username], SIGN_IN.password);
  chmodSync(passwords, 0o644);
}

function must(command: string, args: string[], input = ''): void {
  const { status, stderr } = spawnSync(command, args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
}
