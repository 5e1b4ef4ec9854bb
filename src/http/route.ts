import type { z } from 'zod';

/** Who is calling: a person with a session, or a program with an API key. Always inside one workspace. */
export interface Actor {
  kind: 'session' | 'key';
  /** The id of the user or of the key, for the audit log. */
  id: string;
  workspaceId: string;
  role: 'owner' | 'admin' | 'editor' | 'viewer';
  /** True for the owner's session and for a key with scope `admin`: may allow private addresses. */
  mayAllowPrivate: boolean;
}

/** What a call needs: nothing, a valid key or session, or a role that may change settings. */
export type Access = 'public' | 'viewer' | 'editor' | 'admin';

type Body = z.ZodType | undefined;

/** What the steps of a call look at of a web request, or of the message on a socket (direct.ts). */
export interface Asked {
  readonly method: string;
  /** Of the web it is whole, of the socket from the path on. */
  readonly url: string;
  /** By names in lower case. */
  readonly headers: Pick<Headers, 'get'>;
  readonly body: Request['body'];
  text(): Promise<string>;
}

/** A call that comes in, as its steps begin. */
export interface Coming {
  one: Route;
  request: Asked;
  /** Of the caller, where there is a socket. */
  ip: string | undefined;
  params: Record<string, string>;
  query: Record<string, string>;
}

/** One call as its handler sees it: parsed, authenticated, inside a workspace. */
export interface Call<B extends Body = Body, Q extends Body = Body> {
  body: B extends z.ZodType ? z.output<B> : undefined;
  query: Q extends z.ZodType ? z.output<Q> : Record<string, string>;
  params: Record<string, string>;
  actor: Actor;
  headers: Asked['headers'];
  /** The caller's address as the socket saw it. */
  ip: string;
  /** Sentences about fields that were accepted without effect. */
  warnings: string[];
  request: Asked;
}

export interface Reply {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/**
 * One route as data: the same object validates a call, answers it and documents it, so the three cannot disagree.
 * @see openapi.ts and server.ts
 */
export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `:name` parameters, as `/v1/servers/:id`. */
  path: string;
  access: Access;
  summary: string;
  tag: string;
  body?: z.ZodType;
  query?: z.ZodType;
  /** What happens to a top-level field the schema does not know. A near miss of a known name is always refused. */
  unknownFields: 'refuse' | 'warn' | 'keep';
  maxBodyBytes: number;
  /** With a schema an answer is JSON; `type` names another form of it, in its place or on request. */
  answers: Record<number, { description: string; schema?: z.ZodType; type?: string }>;
  /** A body that works: the curl line of the reference is made of it, and a test sends it. */
  example?: unknown;
  /** Comes by the thousand, and is answered without the framework (direct.ts). No parameters in its path, JSON as answer. */
  direct?: true;
  /** Request headers that change what the call does, with what they do. */
  headers?: Record<string, string>;
  handle: (call: Call<never, never>) => Promise<Reply | Response>;
}

/** Bodies of ordinary calls; message calls carry attachments and allow more. */
export const BODY_LIMIT = 256 * 1024;
export const MESSAGE_BODY_LIMIT = 16 * 1024 * 1024;

/** Declares a route; the handler's types follow from the schemas. */
export function route<B extends Body = undefined, Q extends Body = undefined>(
  given: Omit<Route, 'handle' | 'body' | 'query' | 'example' | 'unknownFields' | 'maxBodyBytes'> & {
    body?: B;
    query?: Q;
    example?: B extends z.ZodType ? z.input<B> : never;
    unknownFields?: Route['unknownFields'];
    maxBodyBytes?: number;
    handle: (call: Call<B, Q>) => Promise<Reply | Response>;
  },
): Route {
  return { unknownFields: 'refuse', maxBodyBytes: BODY_LIMIT, ...given } as unknown as Route;
}

/** Two ranks: what a role may do includes what the ranks below it may. */
const RANK = { public: 0, viewer: 1, editor: 2, admin: 3, owner: 4 } as const;

export function mayCall(role: Actor['role'], access: Access): boolean {
  return RANK[role] >= RANK[access];
}
