/** A sign-in under way: it prompts and goes on with the answer, is complete, or is refused. */
export type SignIn = { is: 'prompt'; prompt: string; next: (line: string) => SignInStep };
export type SignInStep =
  | SignIn
  | { is: 'complete'; username: string; password: string }
  | { is: 'refused'; reply: string };

/** Reads the argument of an AUTH command (RFC 4954) for PLAIN (RFC 4616) and LOGIN. */
export function signInWith(argument: string): SignInStep {
  const [mechanism = '', initial] = argument.split(' ');
  switch (mechanism.toUpperCase()) {
    case 'PLAIN':
      return initial === undefined ? prompt('', plain) : plain(initial);
    case 'LOGIN':
      return initial === undefined ? prompt('Username:', loginName) : loginName(initial);
    default:
      return { is: 'refused', reply: '504 5.5.4 Unrecognized authentication type' };
  }
}

function plain(line: string): SignInStep {
  const [, username = '', password = ''] = decode(line).split('\0');
  return { is: 'complete', username, password };
}

function loginName(line: string): SignInStep {
  return prompt('Password:', (answer) => ({
    is: 'complete',
    username: decode(line),
    password: decode(answer),
  }));
}

function prompt(text: string, then: (line: string) => SignInStep): SignInStep {
  const next = (line: string): SignInStep =>
    line === '*' ? { is: 'refused', reply: '501 5.7.0 Authentication cancelled' } : then(line);
  return { is: 'prompt', prompt: Buffer.from(text).toString('base64'), next };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
