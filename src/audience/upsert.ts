import { parseAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { AppError, notFound } from '../errors.ts';
import { recordEvents } from '../events/record.ts';
import { newId } from '../ids.ts';
import type { Db, Tx } from '../storage/db.ts';
import { type Contact, mergeAttributes } from './contact.ts';
import {
  contactByKey,
  contactsByKeys,
  deleteContact,
  insertOrLock,
  markBounced,
  updateContact,
} from './store.ts';

const MAX_SLUG = 100;

/** Creates or changes a contact: named attributes are set, null removes one, others stay. */
export async function saveContact(
  db: Db,
  clock: Clock,
  workspaceId: string,
  email: string,
  attributes: Record<string, unknown>,
): Promise<Contact> {
  return db.write((tx) => saveWithin(tx, clock.now(), workspaceId, email, attributes));
}

/** A contact did something. One that is unknown is created. @returns the event's contact */
export async function contactDid(
  db: Db,
  clock: Clock,
  workspaceId: string,
  email: string,
  slug: string,
): Promise<{ id: string; contact: Contact }> {
  if (slug.trim() === '' || slug.length > MAX_SLUG || /[\x00-\x1f\x7f]/.test(slug)) {
    throw new AppError(
      'slug_invalid',
      `The slug of an event has 1 to ${MAX_SLUG} printable characters, such as signed-up.`,
      { field: 'slug' },
    );
  }
  const now = clock.now();
  return db.write(async (tx) => {
    const contact = await saveWithin(tx, now, workspaceId, email, {});
    const [id] = await recordEvents(tx, [
      { workspaceId, type: 'contact.event', contactId: contact.id, at: now, detail: { slug } },
    ]);
    return { id: id!, contact };
  });
}

export async function findContact(db: Db, workspaceId: string, email: string): Promise<Contact> {
  const contact = await contactByKey(db.read, workspaceId, parseAddress(email, 'email').key);
  if (!contact) throw unknownContact(email);
  return contact;
}

export async function removeContact(db: Db, workspaceId: string, email: string): Promise<void> {
  const { key } = parseAddress(email, 'email');
  if (!(await db.write((tx) => deleteContact(tx, workspaceId, key)))) throw unknownContact(email);
}

/** The contacts among these addresses, for the values that stand below a message's variables. */
export function contactsAmong(
  tx: Tx,
  workspaceId: string,
  emailKeys: readonly string[],
): Promise<Map<string, Contact>> {
  return contactsByKeys(tx, workspaceId, emailKeys);
}

/** The address turned out to be bad: said in the transaction that learned it. */
export function contactBounced(tx: Tx, workspaceId: string, emailKey: string, now: number): Promise<void> {
  return markBounced(tx, workspaceId, emailKey, now);
}

async function saveWithin(
  tx: Tx,
  now: number,
  workspaceId: string,
  email: string,
  attributes: Record<string, unknown>,
): Promise<Contact> {
  const address = parseAddress(email, 'email');
  const fresh: Contact = {
    id: newId('con', now),
    workspaceId,
    email: address.address,
    emailKey: address.key,
    attributes: mergeAttributes({}, attributes),
    bouncedAt: null,
    unsubscribedAt: null,
    createdAt: now,
    updatedAt: now,
  };
  const { contact: known, isNew } = await insertOrLock(tx, fresh);
  if (isNew) {
    await recordEvents(tx, [{ workspaceId, type: 'contact.created', contactId: known.id, at: now }]);
    return known;
  }
  const changed = {
    ...known,
    email: address.address,
    attributes: mergeAttributes(known.attributes, attributes),
    updatedAt: now,
  };
  await updateContact(tx, changed);
  return changed;
}

function unknownContact(email: string): AppError {
  return notFound('contact', `There is no contact ${email.slice(0, 254)} in this workspace.`, 'email');
}
