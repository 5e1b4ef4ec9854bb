import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedProgram } from '../../scripts/debian.ts';
import { freePorts } from '../../src/testing/ports.ts';
import {
  DELIVERER,
  HOST,
  MAX_BYTES,
  type MailServer,
  makeFolder,
  run,
  SENDER,
  SIGN_IN,
  startServer,
} from './mail-server.ts';

const PROGRAM = unpackedProgram('usr/sbin/exim4');
const NAME = 'exim.example.com';

/** Why Exim cannot run here; undefined where it can. */
export const eximMissing = reason();

function reason(): string | undefined {
  if (!PROGRAM) return 'the Debian package exim4-daemon-light is missing';
  if (!existsSync('/usr/share/doc/libnss-wrapper')) return 'the Debian package libnss-wrapper is missing';
  return undefined;
}

export async function startExim(): Promise<MailServer> {
  const folder = makeFolder();
  const [port, sslPort] = (await freePorts(2)) as [number, number];
  for (const name of ['mail', 'spool', 'spool/input', 'mail/new', 'log']) folder.open(name);
  const settings = folder.write('exim.conf', configuration(folder.path, port, sslPort));
  const program = join(folder.path, 'exim4');
  copyFileSync(PROGRAM!, program); // the project's folder may be closed to the user it runs as
  chmodSync(program, 0o755);
  chmodSync(join(folder.path, 'key.pem'), 0o644);
  return startServer({
    folder,
    port,
    sslPort,
    logFile: join(folder.path, 'log', 'mainlog'),
    // In the foreground. What a stop left in the queue is looked at now, and not again while a test lasts.
    run: () =>
      run(program, ['-C', settings, '-bdf', '-q1h'], port, { ...DELIVERER, env: ownUser(folder.write) }),
    queue: [join(folder.path, 'spool', 'input')],
    isMessage: (path) => path.endsWith('-H'),
  });
}

/** Debian's Exim does not start without a user Debian-exim: it is shown one that is ourselves (nss_wrapper(1)). */
function ownUser(write: (name: string, content: string) => string): Record<string, string> {
  const { uid, gid } = DELIVERER;
  return {
    LD_PRELOAD: 'libnss_wrapper.so',
    NSS_WRAPPER_PASSWD: write(
      'passwd',
      `root:x:0:0::/:/bin/false\nDebian-exim:x:${uid}:${gid}::/:/bin/false\n`,
    ),
    NSS_WRAPPER_GROUP: write('group', `root:x:0:\nDebian-exim:x:${gid}:\n`),
  };
}

/** The Exim specification, chapter 14. The only transport writes into the folder: nothing can leave this machine. */
function configuration(path: string, port: number, sslPort: number): string {
  const { username, password } = SIGN_IN;
  return `
exim_path = ${path}/exim4
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
primary_hostname = ${NAME}
spool_directory = ${path}/spool
log_file_path = ${path}/log/%slog
pid_file_path = ${path}/spool/pid
local_interfaces = ${HOST}
daemon_smtp_ports = ${port} : ${sslPort}
tls_on_connect_ports = ${sslPort}
tls_advertise_hosts = *
tls_certificate = ${path}/cert.pem
tls_privatekey = ${path}/key.pem
auth_advertise_hosts = \${if def:tls_in_cipher {*}}
message_size_limit = ${MAX_BYTES}
host_lookup =
acl_smtp_rcpt = check_rcpt
deliver_drop_privilege

begin acl
check_rcpt:
  deny !authenticated = *
  require verify = sender
  accept verify = recipient

begin routers
mailbox:
  driver = accept
  domains = example.com
  local_parts = ^user
  transport = maildir
senders:
  driver = accept
  condition = \${if eq {$local_part@$domain}{${SENDER}}}
  verify_only
  verify_recipient = no

begin transports
maildir:
  driver = appendfile
  directory = ${path}/mail
  maildir_format
  user = ${DELIVERER.uid}
  group = ${DELIVERER.gid}

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and {{eq {$auth2}{${username}}} {eq {$auth3}{${password}}}}}
  server_set_id = $auth2
`;
}
