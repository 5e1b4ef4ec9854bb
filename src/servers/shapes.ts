import { z } from 'zod';
import { iso } from '../clock.ts';
import { time } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import { limitsSchema } from './limits.ts';
import type { RouteChoice } from './route.ts';
import { MAX_CONNECTIONS, type Server } from './server.ts';
import type { Verification } from './verify.ts';

// What servers look like in the API: read by routes.ts, and by the web app as types.

const text = z.string().nullish();
const port = coded(
  z.number({ error: 'The port is a whole number from 1 to 65535.' }).nullish(),
  'port_invalid',
);
const security = coded(
  z.enum(['ssl', 'starttls', 'none'], { error: 'security is `ssl`, `starttls` or `none`.' }).nullish(),
  'security_invalid',
);
const positive = z.number().nonnegative();
const NOT_YET = 'Stored, without effect yet.';
const LIMITS =
  'Messages that go to this server at most, in every such span; a month is one of the calendar, UTC.';

const serverFields = {
  name: text.describe('Else the service’s name or the host.'),
  region: text.describe('AWS SES only.'),
  host: coded(
    z.string({ error: 'Enter the server’s name, for example smtp.example.com.' }).nullish(),
    'host_invalid',
  ).describe('Where the service type does not know it.'),
  port,
  security: security.describe('TLS from the start, after STARTTLS, or none.'),
  username: text,
  password: text.describe('Stored encrypted; never answered.'),
  token: text.describe('Postmark: in place of user name and password.'),
  heloName: text.describe('What we call ourselves; else made from the address of this installation.'),
  allowedFrom: z
    .array(z.string())
    .max(1_000)
    .nullish()
    .describe('Senders this server takes, as `@example.com` or `ann@example.com`; empty takes all.'),
  limits: limitsSchema.nullish().describe(LIMITS),
  maxConnections: coded(
    z
      .number({ error: `maxConnections is a whole number from 1 to ${MAX_CONNECTIONS}.` })
      .int()
      .min(1)
      .max(MAX_CONNECTIONS),
    'max_connections_invalid',
  )
    .nullish()
    .describe('Sessions at the same time.'),
  weight: positive.nullish().describe(NOT_YET),
  costPerThousand: positive.nullish().describe(NOT_YET),
  reserve: positive.nullish().describe(NOT_YET),
  tlsCa: text.describe('An own certificate authority, PEM.'),
  tlsFingerprint: text.describe('SHA-256 of the only certificate to trust, in hex.'),
  tlsServerName: text.describe('The name in the certificate, where it is not the host.'),
  allowPrivate: z.boolean().nullish().describe('The owner allows a private or loopback address.'),
};
export const newServer = z.strictObject({
  type: coded(
    z.string({ error: 'Name the service type, such as `generic`. GET /v1/server-types lists them.' }),
    'type_unknown',
  ).describe('A service of GET /v1/server-types; `generic` is any SMTP server.'),
  ...serverFields,
});
export const serverChange = z.strictObject({ type: z.string().optional(), ...serverFields });

export const serverView = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  region: z.string().nullable(),
  host: z.string(),
  port: z.number(),
  security: z.enum(['ssl', 'starttls', 'none']),
  username: z.string().nullable(),
  hasPassword: z.boolean(),
  heloName: z.string().nullable(),
  allowedFrom: z.array(z.string()),
  limits: limitsSchema.describe(LIMITS),
  maxConnections: z.number(),
  weight: z.number().describe(NOT_YET),
  costPerThousand: z.number().nullable().describe(NOT_YET),
  reserve: z.number().nullable().describe(NOT_YET),
  tlsCa: z.string().nullable(),
  tlsFingerprint: z.string().nullable(),
  tlsServerName: z.string().nullable(),
  allowPrivate: z.boolean(),
  health: z.object({
    status: z.enum(['well', 'waiting']),
    until: z.string().nullable().describe('It rests until then, ISO 8601, UTC.'),
    code: z.string().nullable().describe('Of the last failure.'),
    reason: z.string().nullable(),
    failures: z.number().describe('In a row.'),
  }),
  validatedAt: time.describe('When it last let us sign in.'),
  createdAt: time,
  updatedAt: time,
});
export type ServerView = z.output<typeof serverView>;

const stepView = z.object({
  name: z.enum(['connect', 'encrypt', 'sign_in']),
  status: z.enum(['running', 'ok', 'skipped', 'failed']),
  durationMs: z.number(),
});
export const checkView = z.object({
  ok: z.literal(true),
  signedIn: z.boolean().describe('False where no user name was given.'),
  steps: z.array(stepView),
  capabilities: z.looseObject({ size: z.number().optional(), auth: z.array(z.string()) }),
  certificate: z.looseObject({ subject: z.string(), issuer: z.string(), fingerprint: z.string() }).nullable(),
});
export type StepView = z.output<typeof stepView>;
export type CheckView = z.output<typeof checkView>;

export const typeView = z.object({
  type: z.string(),
  name: z.string(),
  fields: z.array(z.object({ name: z.string(), label: z.string(), hint: z.string().optional() })),
  regions: z.array(z.object({ region: z.string(), name: z.string(), host: z.string() })).optional(),
  host: z.string().optional(),
  port: z.number().optional(),
  security: z.enum(['ssl', 'starttls', 'none']).optional(),
  hints: z.array(z.string()),
  limits: z.looseObject({ text: z.string() }),
  asOf: z.string().describe('When its figures were read.'),
  source: z.string(),
});
export type ServerTypeView = z.output<typeof typeView>;

export const retiredView = z.object({
  clearedTemplates: z.array(z.string()).describe('Slugs of templates that preferred it.'),
  movedTo: z.string().nullable(),
  waiting: z.number().describe('Messages that wait for it, or, without any server left, for any.'),
  mode: z.enum(['sandbox', 'live']),
});
export type RetiredView = z.output<typeof retiredView>;

/** A server that was looked at for a message, and whether it could take it. */
export const candidateView = z.object({
  server: z.string(),
  name: z.string(),
  eligible: z.boolean(),
  reasons: z.array(z.string()),
  weight: z.number(),
});

export const routeView = z.object({
  chosen: z.string().nullable(),
  mode: z.enum(['preferred', 'random', 'sandbox', 'none']),
  candidates: z.array(candidateView),
  ifFirstFails: z.string().nullable().describe('The id of the next one.'),
});

export function presentRoute({ reason: _, ...choice }: RouteChoice): z.output<typeof routeView> {
  return choice;
}

/** A server without its password. */
export function presentServer(server: Server, now: number): ServerView {
  const { passwordSealed, workspaceId: _w, capabilities: _c, health, learned: _l, ...rest } = server;
  const waiting = health.waitingUntil !== null;
  return {
    ...rest,
    hasPassword: passwordSealed !== null,
    health: {
      status: waiting ? 'waiting' : 'well',
      until: waiting ? iso(Math.max(health.waitingUntil!, now)) : null,
      code: health.code,
      reason: health.reason,
      failures: health.failures,
    },
    validatedAt: iso(server.validatedAt),
    createdAt: iso(server.createdAt),
    updatedAt: iso(server.updatedAt),
  };
}

export function presentCheck(verification: Verification): CheckView {
  const { signedIn, steps, capabilities, certificate } = verification;
  return {
    ok: true,
    signedIn,
    steps,
    capabilities: { ...capabilities },
    certificate: certificate ? { ...certificate } : null,
  };
}
