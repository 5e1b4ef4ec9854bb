import type { Clock } from '../clock.ts';
import { audit, recordEvents } from '../events/record.ts';
import type { Db } from '../storage/db.ts';
import { liftWithin, notBlocked, readAddress } from '../suppressions/suppress.ts';
import type { Contact } from './contact.ts';
import { clearBounced, clearUnsubscribed, contactByKey } from './store.ts';
import { findContact } from './upsert.ts';

interface Who {
  id: string;
  workspaceId: string;
}

/** Mail may go to the address again. A bounced flag of its contact is the same fact, and goes with the block. @throws AppError suppression_not_found (404) */
export async function liftBlock(db: Db, clock: Clock, actor: Who, email: string): Promise<void> {
  const now = clock.now();
  const { key } = readAddress(email);
  await db.write(async (tx) => {
    if (!(await liftWithin(tx, actor, key, now))) throw notBlocked(email);
    await clearBounced(tx, actor.workspaceId, key, now);
  });
}

/**
 * Takes a flag off a contact; one that it does not have is no error. With `bounced` the block of the address goes too,
 * also where the block has another reason: whoever lifts it wants the contact to get mail.
 * @throws AppError contact_not_found (404)
 */
export async function liftFlag(
  db: Db,
  clock: Clock,
  actor: Who,
  email: string,
  flag: 'bounced' | 'unsubscribed',
): Promise<Contact> {
  const now = clock.now();
  const { id, email: address, emailKey } = await findContact(db, actor.workspaceId, email);
  return db.write(async (tx) => {
    if (flag === 'bounced') {
      const lifted = await liftWithin(tx, actor, emailKey, now);
      const cleared = await clearBounced(tx, actor.workspaceId, emailKey, now);
      if (cleared && !lifted) await audit(tx, actor, 'contact.lifted', address, { flag }, now);
    } else if (await clearUnsubscribed(tx, actor.workspaceId, emailKey, now)) {
      await recordEvents(tx, [
        {
          workspaceId: actor.workspaceId,
          type: 'contact.resubscribed',
          contactId: id,
          at: now,
          detail: { by: actor.id },
        },
      ]);
      await audit(tx, actor, 'contact.lifted', address, { flag }, now);
    }
    return (await contactByKey(tx, actor.workspaceId, emailKey))!;
  });
}
