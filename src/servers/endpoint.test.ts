import { expect, test, vi } from 'vitest';
import { Vault } from '../vault.ts';
import { endpointOf, passwordPlace } from './endpoint.ts';
import { makeServer } from './testing.ts';

const policy = { allowed: [], forbidPrivate: false, ownPort: 8080 };

test('a password is opened once for a server as it was read, and anew for the server as it is read later', () => {
  const vault = new Vault(Buffer.alloc(32, 1));
  const parts = { vault, policy, publicUrl: 'https://mail.example.com' };
  const sealed = (password: string) => vault.seal(password, passwordPlace(makeServer({ id: 'srv_1' })));
  const server = makeServer({ id: 'srv_1', username: 'shop', passwordSealed: sealed('first') });
  const opened = vi.spyOn(vault, 'open');

  expect(endpointOf(server, parts).password).toBe('first');
  expect(endpointOf(server, parts)).toBe(endpointOf(server, parts));
  expect(opened).toHaveBeenCalledTimes(1);

  expect(endpointOf({ ...server, passwordSealed: sealed('second') }, parts).password).toBe('second');
  expect(endpointOf(server, { ...parts, publicUrl: 'https://other.example.com' }).heloName).toBe(
    'other.example.com',
  );
});
