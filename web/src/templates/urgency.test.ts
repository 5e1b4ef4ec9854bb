import { expect, test } from 'vitest';
import { isAwaited } from './urgency.ts';

const draft = (changed: object) => ({
  slug: 'welcome',
  name: 'Welcome',
  subject: 'Hello {{ name }}',
  priority: 'normal' as const,
  ...changed,
});

test.each([
  [{ slug: 'login-code' }],
  [{ slug: 'password_reset' }],
  [{ name: 'Magic link' }],
  [{ name: 'Two-factor sign-in' }],
  [{ subject: 'Your one-time code is {{ code }}' }],
  [{ subject: 'Verify your address' }],
  [{ subject: 'OTP for {{ shop }}' }],
  [{ priority: 'high' }],
])('%j looks like one that somebody waits for', (changed) => {
  expect(isAwaited(draft(changed))).toBe(true);
});

test.each([
  [{}],
  [{ slug: 'invoice' }],
  [{ slug: 'discount-code' }],
  [{ subject: 'A promo code for you' }],
  [{ name: 'Order confirmation' }],
  [{ subject: 'Your parcel is on its way' }],
  [{ name: 'Codex and pinboard' }],
])('%j does not', (changed) => {
  expect(isAwaited(draft(changed))).toBe(false);
});
