import type { TemplateDraft } from './draft.ts';

/** Words of mail that its reader waits for at the screen. */
const AWAITED =
  /\b(otp|totp|[2m]fa|pin|passcodes?|passwords?|codes?|one[- ]time|two[- ]factor|verif(y|ication)|magic[- ]link|(sign|log)[- ]?in[- ]link|reset[- ]link)\b/;
/** Codes that nobody waits for. */
const NOT_AWAITED = /\b(discount|promo(tion)?|coupon|voucher|gift|referral|qr|source|zip)[- ]?codes?\b/g;

/** Does it look like a code or a password reset? A guess from its words and its priority: to suggest with, never to set. */
export function isAwaited(draft: Pick<TemplateDraft, 'slug' | 'name' | 'subject' | 'priority'>): boolean {
  if (draft.priority === 'high') return true;
  const words = `${draft.slug.replaceAll(/[-_.]/g, ' ')} | ${draft.name} | ${draft.subject}`.toLowerCase();
  return AWAITED.test(words.replaceAll(NOT_AWAITED, ''));
}
