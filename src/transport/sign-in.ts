import { failpoint } from '../failpoint.ts';
import type { Capabilities } from './capabilities.ts';
import { fail, Stop } from './failure.ts';
import type { Reply } from './reply.ts';
import { base64, plainResponse } from './secrets.ts';
import type { Wire } from './wire.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** RFC 4954 §4: a command with its initial response must fit into 512 octets with CRLF. */
const MAX_COMMAND = 510;

/** Signs in with PLAIN, or with LOGIN where PLAIN is not known. @throws Stop at `auth` */
export async function signIn(
  wire: Wire,
  capabilities: Capabilities,
  credentials: Credentials,
  timeoutMs: number,
): Promise<void> {
  const { auth } = capabilities;
  if (auth.length === 0) throw fail('auth', 'auth_not_offered');
  if (!auth.includes('PLAIN') && !auth.includes('LOGIN')) throw noMechanism(auth);
  const say = (line: string): Promise<Reply> => {
    const reply = wire.ask('auth', line, timeoutMs);
    failpoint('auth-said', () => wire.destroy());
    return reply;
  };
  let reply = auth.includes('PLAIN') ? await plain(say, credentials) : await login(say, credentials);
  const isUnknown = reply.code === 504; // RFC 4954 §4, from servers that offer more than they have
  if (isUnknown && auth.includes('PLAIN') && auth.includes('LOGIN')) reply = await login(say, credentials);
  if (reply.code < 200 || reply.code > 299) throw new Stop('auth', { reply });
}

type Say = (line: string) => Promise<Reply>;

/** RFC 4616. */
async function plain(say: Say, { username, password }: Credentials): Promise<Reply> {
  const response = plainResponse(username, password);
  const command = `AUTH PLAIN ${response}`;
  if (command.length <= MAX_COMMAND) return say(command);
  const prompt = await say('AUTH PLAIN');
  return prompt.code === 334 ? say(response) : prompt;
}

/** Two prompts, two answers. Whatever the server asks for after that, it gets nothing more. */
async function login(say: Say, { username, password }: Credentials): Promise<Reply> {
  const first = await say('AUTH LOGIN');
  if (first.code !== 334) return first;
  const second = await say(base64(username));
  if (second.code !== 334) return second;
  return say(base64(password));
}

function noMechanism(offered: string[]): Stop {
  const wantsOauth = offered.every((name) => name === 'XOAUTH2' || name === 'OAUTHBEARER');
  return fail('auth', 'auth_mechanism', {
    list: offered.join(', '),
    oauth: wantsOauth ? ' This provider needs OAuth sign-in.' : '',
  });
}
