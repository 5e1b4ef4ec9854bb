import type { FakeServer } from '../../src/demo-smtp/server.ts';

/** What to send to `POST /v1/servers` for a fake server on this machine. */
export function serverInput(server: FakeServer, changed: Record<string, unknown> = {}) {
  return {
    type: 'generic',
    host: server.host,
    port: server.port,
    security: 'none',
    allowPrivate: true,
    ...changed,
  };
}
