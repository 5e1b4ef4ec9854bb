import { sha256 } from '../ids.ts';
import { allowsFrom, type Server } from './server.ts';

/** What the choice of a server depends on; a value, so that it can be dry-run and stored beside the message. */
export interface Wanted {
  /** The message's id: the draw is the same each time it is made. */
  seed: string;
  from: string;
  /** Bytes of the composed message, when known. */
  size?: number | undefined;
  /** The one server the caller demanded. */
  pinned: string | null;
  /** The template's preferred server. */
  preferred: string | null;
  failover: 'strict' | 'any';
  /** Servers that already turned this message down for a reason of their own. */
  tried?: readonly string[];
  live: boolean;
}

export interface RouteCandidate {
  server: string;
  name: string;
  eligible: boolean;
  reasons: string[];
  weight: number;
}

export interface RouteChoice {
  chosen: string | null;
  mode: 'preferred' | 'random' | 'sandbox' | 'none';
  candidates: RouteCandidate[];
  /** The server that would be next, when the policy allows another. */
  ifFirstFails: string | null;
  /** Why there is nobody to choose. */
  reason: 'server_deleted' | 'no_server' | null;
}

/**
 * Which server carries this message, and why not the others. Pure.
 * A demanded server is the only one; a preferred one is used while it exists; else one is drawn at random,
 * uniformly, among the eligible ones that are well. When none is well the message waits for one of them.
 */
export function chooseServer(servers: readonly Server[], wanted: Wanted, now: number): RouteChoice {
  const candidates = servers.map((server) => judge(server, wanted, now));
  if (!wanted.live) return { chosen: null, mode: 'sandbox', candidates, ifFirstFails: null, reason: null };
  if (wanted.pinned !== null) return only(wanted.pinned, candidates);

  const eligible = servers.filter((_, at) => candidates[at]!.eligible);
  const well = eligible.filter((server) => isWell(server, now));
  const fresh = well.filter((server) => !wanted.tried?.includes(server.id));
  const ranked = rank([fresh, well, eligible].find((group) => group.length > 0) ?? [], wanted.seed);
  const preferred = servers.find((server) => server.id === wanted.preferred);
  if (preferred && takesPreferred(preferred, eligible, wanted, now)) {
    const next = wanted.failover === 'any' ? ranked.find((server) => server !== preferred) : undefined;
    return {
      chosen: preferred.id,
      mode: 'preferred',
      candidates,
      ifFirstFails: next?.id ?? null,
      reason: null,
    };
  }
  if (preferred && wanted.failover === 'strict')
    return { chosen: null, mode: 'none', candidates, ifFirstFails: null, reason: 'no_server' };
  const [first, second] = ranked;
  if (!first) return { chosen: null, mode: 'none', candidates, ifFirstFails: null, reason: 'no_server' };
  return { chosen: first.id, mode: 'random', candidates, ifFirstFails: second?.id ?? null, reason: null };
}

function only(id: string, candidates: RouteCandidate[]): RouteChoice {
  const found = candidates.find((one) => one.server === id);
  for (const one of candidates) {
    if (one.server !== id) {
      one.eligible = false;
      one.reasons.push('The message names another server.');
    }
  }
  const chosen = found?.eligible ? id : null;
  return {
    chosen,
    mode: chosen ? 'preferred' : 'none',
    candidates,
    ifFirstFails: null,
    reason: found ? (chosen ? null : 'no_server') : 'server_deleted',
  };
}

/** Strict waits for the preferred server; `any` leaves it while it is unwell or has turned this message down. */
function takesPreferred(
  preferred: Server,
  eligible: readonly Server[],
  wanted: Wanted,
  now: number,
): boolean {
  if (!eligible.includes(preferred)) return false;
  if (wanted.failover === 'strict') return true;
  return isWell(preferred, now) && !wanted.tried?.includes(preferred.id);
}

function judge(server: Server, wanted: Wanted, now: number): RouteCandidate {
  const reasons: string[] = [];
  if (!allowsFrom(server.allowedFrom, wanted.from))
    reasons.push(`It is not allowed to send as ${wanted.from}.`);
  if (wanted.size !== undefined && server.capabilities.size && wanted.size > server.capabilities.size) {
    reasons.push(
      `The message has ${wanted.size} bytes; this server takes at most ${server.capabilities.size}.`,
    );
  }
  const eligible = reasons.length === 0;
  if (!isWell(server, now)) {
    reasons.push(`It is resting: ${server.health.reason ?? 'it was unwell.'}`);
  }
  if (wanted.tried?.includes(server.id)) reasons.push('It has turned this message down.');
  return { server: server.id, name: server.name, eligible, reasons, weight: 1 };
}

export function isWell(server: Server, now: number): boolean {
  return server.health.waitingUntil === null || server.health.waitingUntil <= now;
}

/** Hexadecimal: 48 bits, which a number holds exactly. */
const SCORE_DIGITS = 12;

/**
 * Rendezvous hashing: each server draws a number for this message and the highest wins. Uniform over messages, stable
 * for one message, and a server that leaves gives up only its own messages.
 */
function rank(servers: readonly Server[], seed: string): Server[] {
  if (servers.length < 2) return [...servers];
  const score = (server: Server) => Number.parseInt(sha256(seed + server.id).slice(0, SCORE_DIGITS), 16);
  return servers
    .map((server) => ({ server, score: score(server) }))
    .sort((a, b) => b.score - a.score)
    .map((one) => one.server);
}
