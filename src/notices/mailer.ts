import { parseAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import type { SystemSmtp } from '../config.ts';
import { errorText } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import type { Db } from '../storage/db.ts';
import { addressKind } from '../transport/addresses.ts';
import type { Endpoint } from '../transport/endpoint.ts';
import type { Outcome } from '../transport/outcome.ts';
import { Pool } from '../transport/pool.ts';
import { findWorkspace, ownersOf } from '../workspaces/workspaces.ts';
import { linkOf, type Notice, type NoticeKind, nextStepOf, titleOf } from './notice.ts';
import { giveBackMailTurn, takeMailTurn, unmailedNotices } from './store.ts';

/** A burst becomes one mail: the notices are looked at this often. */
const LOOK_EVERY_MS = 60_000;
/** At most one mail for each kind in a workspace. */
export const MAIL_EVERY_MS = 60 * 60_000;
/** After the system server refused, it is left alone for this long. */
const REST_MS = 5 * 60_000;

/** A mail of plain text, made into bytes by whoever composes letters. */
export interface PlainMail {
  id: string;
  date: number;
  from: string;
  to: string;
  subject: string;
  text: string;
}

export interface NoticeMailerParts {
  db: Db;
  clock: Clock;
  log: Log;
  publicUrl: string;
  system: SystemSmtp;
  compose: (mail: PlainMail) => { content: Buffer; needsSmtpUtf8: boolean };
}

/**
 * Mails open notices to the owners, through the operator's own server. It stands outside of the promises: what it
 * cannot send is logged and tried later, makes no message and never a notice.
 */
export class NoticeMailer {
  readonly #parts: NoticeMailerParts;
  readonly #pool: Pool;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #restUntil = 0;

  constructor(parts: NoticeMailerParts) {
    this.#parts = parts;
    this.#pool = new Pool({ clock: parts.clock });
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => this.look());
    }, LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.close(0);
    await this.#round;
  }

  /** One look at the open notices. Never rejects. */
  async look(): Promise<void> {
    const { db, clock, log } = this.#parts;
    try {
      const now = clock.now();
      if (now < this.#restUntil) return;
      const groups = byKind(await unmailedNotices(db, now - MAIL_EVERY_MS));
      for (const notices of groups) await this.#mailKind(notices, now);
    } catch (error) {
      log.error({ error: errorText(error) }, 'notices could not be mailed; trying again');
    }
  }

  /** The turn is taken before the mail leaves: rather no mail than one from each process. */
  async #mailKind(notices: readonly Notice[], now: number): Promise<void> {
    const { db, log } = this.#parts;
    const { workspaceId, kind } = notices[0]!;
    if (!(await db.write((tx) => takeMailTurn(tx, workspaceId, kind, now, now - MAIL_EVERY_MS)))) return;
    const workspace = await findWorkspace(db, workspaceId);
    for (const to of await ownersOf(db, workspaceId)) {
      const outcome = await this.#send(this.#mail(to, workspace.name, kind, notices, now));
      if (outcome.class === 'accepted' || outcome.class === 'uncertain') continue;
      this.#restUntil = now + REST_MS;
      await db.write((tx) => giveBackMailTurn(tx, workspaceId, kind, now));
      log.warn({ code: outcome.code, reason: outcome.message }, 'a notice could not be mailed to its owner');
      return;
    }
  }

  #mail(to: string, workspace: string, kind: NoticeKind, notices: readonly Notice[], now: number): PlainMail {
    return {
      id: newId('ntc', now),
      date: now,
      from: this.#parts.system.from,
      to,
      subject: `${workspace}: ${notices.length === 1 ? titleOf(notices[0]!) : SEVERAL[kind](notices.length)}`,
      text: textOf(workspace, kind, notices, this.#parts.publicUrl),
    };
  }

  async #send(mail: PlainMail): Promise<Outcome> {
    const { content, needsSmtpUtf8 } = this.#parts.compose(mail);
    const rules = { allowLocalDomains: true };
    const to = parseAddress(mail.to, 'to', rules).address;
    const { outcome } = await this.#pool.send('system', endpointOf(this.#parts.system), 1, {
      envelope: { from: mail.from, to, size: content.length, needsSmtpUtf8 },
      content,
      beforeDot: async () => true,
      serverName: 'The server of SYSTEM_SMTP_URL',
    });
    return outcome;
  }
}

/** Only servers come in several groups of one kind. */
const SEVERAL: Record<NoticeKind, (count: number) => string> = {
  message_uncertain: (count) => `${count} notices of uncertain messages.`,
  priority_expired: (count) => `${count} notices of expired messages.`,
  server_attention: (count) => `${count} servers have stopped and need you.`,
  server_blocklisted: (count) => `${count} servers are on a block list.`,
};

function textOf(workspace: string, kind: NoticeKind, notices: readonly Notice[], publicUrl: string): string {
  const items = notices.map((one) => {
    const said = one.reason ? `\nThe last reason: ${one.reason}` : '';
    return `${titleOf(one)}${said}\n${publicUrl}${linkOf(one)}`;
  });
  return [
    ...items,
    nextStepOf(kind),
    `You get this mail because you own the workspace ${workspace} at ${publicUrl}. There is at most one an hour for each kind of notice.`,
  ].join('\n\n');
}

function byKind(notices: readonly Notice[]): Notice[][] {
  const groups = new Map<string, Notice[]>();
  for (const one of notices) {
    const key = `${one.workspaceId} ${one.kind}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** The operator wrote it into the settings: a private address is meant. */
function endpointOf({ host, port, security, username, password }: SystemSmtp): Endpoint {
  return {
    host,
    port,
    security,
    heloName: '',
    allowAddress: (ip) => addressKind(ip) !== 'forbidden',
    ...(username !== undefined && password !== undefined ? { username, password } : {}),
  };
}
