import { systemClock } from '../../src/clock.ts';
import { createHttp, listen } from '../../src/http/server.ts';
import { newId, sha256 } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { messageRoutes } from '../../src/messages/routes.ts';
import { isWellFormed, keyRefused } from '../../src/workspaces/api-key.ts';

// The product's own route for one message, with the same server, the same check of the key and of the body, and a
// handler that reads and stores nothing: what taking a message costs before it is kept. Argument: the API key.

const [apiKey = ''] = process.argv.slice(2);
const known = new Set([sha256(apiKey)]);
// The handlers that would need the parts are replaced.
const real = messageRoutes({} as Parameters<typeof messageRoutes>[0]);
const post = real.find(({ method, path }) => method === 'POST' && path === '/v1/messages');
if (!post) throw new Error('The product has no route POST /v1/messages.');

const http = createHttp({
  routes: [
    {
      ...post,
      handle: async ({ warnings }) => ({
        status: 202,
        body: { id: newId('msg', Date.now()), status: 'queued', warnings },
      }),
    },
  ],
  async authenticate(request) {
    const key = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
    if (!isWellFormed(key) || !known.has(sha256(key))) throw keyRefused('unknown');
    return { kind: 'key', id: 'key', workspaceId: 'wsp', role: 'admin', mayAllowPrivate: true };
  },
  fallback: async () => undefined,
  clock: systemClock,
  log: createLog('error'),
});
const { port } = await listen(http, '127.0.0.1', 0);
process.send!({ port });
process.on('disconnect', () => process.exit());
