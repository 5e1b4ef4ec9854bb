import { AppError } from '../errors.ts';

/** A person of the audience, with free attributes. */
export interface Contact {
  id: string;
  workspaceId: string;
  email: string;
  emailKey: string;
  attributes: Record<string, Attribute>;
  bouncedAt: number | null;
  unsubscribedAt: number | null;
  createdAt: number;
  updatedAt: number;
}

export type AttributeValue = string | number | boolean;

/** A value with its type: a date is a string that was recognized as one. */
export interface Attribute {
  type: 'string' | 'number' | 'boolean' | 'date';
  value: AttributeValue;
}

const MAX_ATTRIBUTES = 200;
const MAX_NAME = 100;
const MAX_TEXT = 10_000;
/** Names the answer uses itself. */
const RESERVED = new Set(['id', 'email', 'status', 'createdAt', 'updatedAt', 'attributes']);

/** Full date-times, with and without fractions, as the known clients write them; the value is kept as UTC. */
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/** The type of a value follows from the value; the last write wins. @throws AppError attribute_invalid */
export function attributeOf(name: string, value: unknown): Attribute {
  const refuse = (message: string) =>
    new AppError('attribute_invalid', message, { field: name.slice(0, MAX_NAME) });
  if (name === '' || name.length > MAX_NAME || /[\x00-\x1f\x7f{}]/.test(name) || name === '__proto__') {
    throw refuse(`An attribute's name has 1 to ${MAX_NAME} printable characters, without braces.`);
  }
  if (RESERVED.has(name)) throw refuse(`The name ${name} is taken by Mailwright. Choose another.`);
  if (typeof value === 'boolean') return { type: 'boolean', value };
  if (typeof value === 'number' && Number.isFinite(value)) return { type: 'number', value };
  if (typeof value !== 'string')
    throw refuse(`The attribute ${name} must be text, a number, true, false, a date or null.`);
  if (value.length > MAX_TEXT) throw refuse(`The attribute ${name} has more than ${MAX_TEXT} characters.`);
  const time = timeOf(value);
  return Number.isNaN(time)
    ? { type: 'string', value }
    : { type: 'date', value: new Date(time).toISOString() };
}

function timeOf(text: string): number {
  if (!DATE_TIME.test(text)) return Number.NaN;
  const [year, month, day] = text.slice(0, 10).split('-').map(Number);
  // Date.parse would turn the 30th of February into the 2nd of March.
  const exists = new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() === day;
  return exists ? Date.parse(text) : Number.NaN;
}

/** Attributes after an upsert: named ones are set, null removes one, others stay. */
export function mergeAttributes(
  current: Record<string, Attribute>,
  given: Record<string, unknown>,
): Record<string, Attribute> {
  const merged = new Map(Object.entries(current));
  for (const [name, value] of Object.entries(given)) {
    if (value === null) merged.delete(name);
    else merged.set(name, attributeOf(name, value));
  }
  if (merged.size > MAX_ATTRIBUTES)
    throw new AppError('attributes_too_many', `A contact has at most ${MAX_ATTRIBUTES} attributes.`);
  return Object.fromEntries(merged);
}

export function contactStatus(contact: Contact): 'active' | 'bounced' | 'unsubscribed' {
  if (contact.bouncedAt !== null) return 'bounced';
  return contact.unsubscribedAt !== null ? 'unsubscribed' : 'active';
}

/** The attributes as a template sees them. */
export function contactVariables(contact: Contact): Record<string, AttributeValue> {
  return {
    email: contact.email,
    ...Object.fromEntries(
      Object.entries(contact.attributes).map(([name, attribute]) => [name, attribute.value]),
    ),
  };
}
