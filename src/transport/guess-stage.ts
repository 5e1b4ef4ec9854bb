import { type Context, classify } from './classify.ts';
import type { Stage } from './outcome.ts';
import { enhancedCode, type Reply, replyText } from './reply.ts';

/**
 * The stage a reply most likely answered, for somebody who has only the line. First what the text or the number says,
 * then the stage at which the rules see the most in it: a recipient's fault is from RCPT, a sender's from MAIL.
 * Everything else is read as the answer to the whole message, where the least is blamed on an address.
 */
export function guessStage(reply: Reply, context: Context): Stage {
  const text = replyText(reply).replaceAll('\n', ' ');
  const digits = String(reply.code);
  const subject = { digits, enhanced: enhancedCode(reply) ?? '', text };
  const told = TELLING.find((one) => tells(one, subject));
  return told?.stage ?? stageOfBlame(reply, context);
}

interface Sign {
  stage: Stage;
  digits?: RegExp;
  enhanced?: RegExp;
  text?: RegExp;
}

/** Every condition that is given must hold; the first sign that holds decides. */
const TELLING: readonly Sign[] = [
  { stage: 'greet', digits: /^220$/ },
  { stage: 'auth', digits: /^(235|334)$/ },
  { stage: 'dot', digits: /^2/ },
  { stage: 'data', digits: /^354$/ },
  {
    stage: 'auth',
    digits: /^(432|435|525|534|535|538)$/,
    text: /^(?!.*(concurrent|thread limit|recipient|mailbox))/i,
  }, // RFC 4954 §6
  { stage: 'auth', digits: /^53/, text: /STARTTLS|encryption|\b(TLS|SSL)\b/i },
  {
    stage: 'auth',
    text: /authentication (failed|failure|unsuccessful|rejected|credentials|type|mechanism|is disabled)|(username|user name|login|password).{0,40}(not accepted|incorrect|invalid|wrong|fail)|(bad|invalid|incorrect|too many) (\w+ ){0,2}(login|auth\w*|credentials(?! for relay)|password)|basic authentication|\bAUTH\b.{0,30}(not|unrecogni[sz]ed|mechanism|advertised)/i,
    digits: /^[45]/,
  },
  { stage: 'auth', digits: /^504$/, text: /^(?!.*(address|helo|ehlo|hostname|parameter))/i }, // RFC 4954 §4
  { stage: 'starttls', digits: /^454$/, text: /\bTLS\b/i }, // RFC 3207 §4
  { stage: 'auth', digits: /^454$/, enhanced: /^4\.7\.0$/ }, // RFC 4954 §6
  { stage: 'ehlo', digits: /^5/, text: /^5\d\d[ \d.]*(invalid |bad )?(helo|ehlo)\b/i },
  { stage: 'greet', digits: /^52[01]$/, text: /^\d{3}(?! 5\.[127])/ }, // RFC 7504 §3
  {
    stage: 'greet',
    digits: /^554$/,
    text: /no smtp service|not accept mail from this host|ESMTP not accepting/i,
  },
  { stage: 'greet', digits: /^421$/, text: /too busy|is busy|busy\b.{0,20}try|over ?loaded|load average/i },
  { stage: 'data', digits: /^(503|554)$/, text: /(no valid recipients|valid RCPT|need RCPT|RCPT first)/i },
  {
    stage: 'mail',
    digits: /^(501|555)$/,
    text: /^(?!.*(recipient|rcpt|destination))/i,
    enhanced: /^(?!5\.1\.[1236])/,
  },
  {
    stage: 'rcpt',
    digits: /^4(?!21)/,
    text: /recipient address|invalid recipient|user unknown|mailbox (busy|unavailable)/i,
  },
  { stage: 'rcpt', digits: /^(450|551|556)$/, text: /^(?!.*sender)/i },
];

function tells(
  { digits, enhanced, text }: Sign,
  subject: Record<'digits' | 'enhanced' | 'text', string>,
): boolean {
  return (
    (!digits || digits.test(subject.digits)) &&
    (!enhanced || enhanced.test(subject.enhanced)) &&
    (!text || text.test(subject.text))
  );
}

/** An unknown 4yz at RCPT is read as the recipient's, which here would be a guess upon a guess. */
const GUESSES = new Set(['rcpt-later']);
const OF_SENDER = new Set(['sender_invalid', 'sender_not_allowed', 'auth_required', 'parameter']);

function stageOfBlame(reply: Reply, context: Context): Stage {
  const atRcpt = classify({ stage: 'rcpt', reply, context });
  if (atRcpt.blame === 'recipient' && !GUESSES.has(atRcpt.rule)) return 'rcpt';
  if (OF_SENDER.has(atRcpt.code)) return 'mail';
  return atRcpt.code === 'relay_denied' ? 'rcpt' : 'dot';
}
