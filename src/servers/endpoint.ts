import type { Endpoint } from '../transport/endpoint.ts';
import type { Vault } from '../vault.ts';
import { type AddressPolicy, mayConnect } from './address-policy.ts';
import type { Server } from './server.ts';

/** The place a password is sealed for: moved to another row or workspace it does not open. */
export function passwordPlace(server: Pick<Server, 'workspaceId' | 'id'>): string {
  return `${server.workspaceId}/${server.id}/password`;
}

interface EndpointParts {
  vault: Vault;
  policy: AddressPolicy;
  publicUrl: string;
}

/** How to reach a stored server, with its password opened: once for the server as it was read, not for each message. */
export function endpointOf(server: Server, parts: EndpointParts): Endpoint {
  const known = ENDPOINTS.get(server);
  if (known?.parts === parts) return known.endpoint;
  const password =
    server.passwordSealed === null ? null : parts.vault.open(server.passwordSealed, passwordPlace(server));
  const endpoint = connectionEndpoint({ ...server, password }, parts);
  ENDPOINTS.set(server, { parts, endpoint });
  return endpoint;
}

const ENDPOINTS = new WeakMap<Server, { parts: EndpointParts; endpoint: Endpoint }>();

/** How to reach a server that may not be stored yet. */
export function connectionEndpoint(
  server: Pick<
    Server,
    | 'host'
    | 'port'
    | 'security'
    | 'username'
    | 'heloName'
    | 'tlsCa'
    | 'tlsFingerprint'
    | 'tlsServerName'
    | 'allowPrivate'
  > & {
    password: string | null;
  },
  parts: { policy: AddressPolicy; publicUrl: string },
): Endpoint {
  return {
    host: server.host,
    port: server.port,
    security: server.security,
    heloName: server.heloName ?? ownName(parts.publicUrl),
    allowAddress: (ip) => mayConnect(parts.policy, ip, server.port, server.allowPrivate),
    ...(server.username !== null && server.password !== null
      ? { username: server.username, password: server.password }
      : {}),
    ...(server.tlsCa === null ? {} : { tlsCa: server.tlsCa }),
    ...(server.tlsFingerprint === null ? {} : { tlsFingerprint: server.tlsFingerprint }),
    ...(server.tlsServerName === null ? {} : { tlsServerName: server.tlsServerName }),
  };
}

/**
 * The name we greet with: the public host name, when it is one. Otherwise empty, and the session greets with the
 * address literal of its own socket (RFC 5321 §4.1.4); `localhost` would be a lie to a public server.
 */
function ownName(publicUrl: string): string {
  const { hostname } = new URL(publicUrl);
  const qualified = /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/i.test(hostname);
  return qualified && !/\.(localhost|local|internal|test)$/i.test(hostname) ? hostname : '';
}
