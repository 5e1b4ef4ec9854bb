import type { ReplyRule } from './reply-rules.ts';

/** Credit that a provider sells; also used where it is said instead of "wrong password". */
export const NO_CREDIT =
  /\b(no|not enough|insufficient|out of|exhausted|used up)\b.{0,25}\bcredits?\b|\bcredits?\b.{0,25}\b(exhausted|used up|exceeded|expired|exceed|blocked)|payment (is )?required|insufficient (funds|balance)|\b(trial|plan|subscription)( period)? (has |is )?(expired|ended)|unpaid (invoice|bill)/i;

export const BASIC_AUTH_OFF =
  /SmtpClientAuthentication is disabled|basic authentication is (disabled|not (supported|allowed))|security defaults policy|did not meet the criteria to be authenticated|authentication is disabled for the (tenant|mailbox|organization)/i;

const FORBIDDEN = '(allowed|authori[sz]ed|permitted|verified|confirmed|owned|registered|approved)';

/** Wording about us: our sign-in, account, sender, address and pace. Looked for before anything about a recipient. */
export const SENDER_RULES: readonly ReplyRule[] = [
  {
    id: 'words-basic-off',
    digits: /^5/,
    text: BASIC_AUTH_OFF,
    verdict: 'auth_basic_disabled',
    why: 'Exchange Online also says so after sign-in, as 550 5.7.30',
  },
  {
    id: 'words-starttls-first',
    digits: /^[45]/,
    text: /(must|need to|have to|please) (first )?(issue|use|send) (a )?(STARTTLS|TLS|SSL)|STARTTLS (is |command )?(required|first)|(encryption|TLS|SSL) (is )?(required|needed)\b/i,
    verdict: 'auth_needs_tls',
    why: 'RFC 3207 §4: 530, also as the answer to MAIL',
  },
  {
    id: 'greylist',
    stages: ['rcpt', 'data', 'body', 'dot'],
    digits: /^[45]/,
    text: /gr[ae]y-?list/i,
    verdict: 'greylisted',
    why: 'also coded 4.3.2 or said by a list "grey.rbl", which would make the server wait',
  },
  {
    id: 'unauthenticated',
    digits: /^5/,
    text: /\b(spf|dkim|dmarc|sender policy framework)\b.{0,80}(fail|not pass|did ?n.t pass|reject|polic|missing|required|violat|invalid|no record)|(fail|not pass|violat|due to|either|per|bad|pass|inspect).{0,60}\b(spf|dkim|dmarc|sender policy framework)\b|unauthenticated e?mail|not have authentication information|fails to pass authentication|sender is unauthenticated|required authentication level|(authentication|sender) (checks|validation) (fail|did)|(mta|sender) .{0,30}has not passed validation/i,
    verdict: 'auth_dns',
    why: 'often a bare 5.7.1, which alone would be policy',
  },
  {
    id: 'no-reverse-name',
    digits: /^5/,
    text: /\bptr\b|reverse[ -]?(dns|hostname|lookup|name|record)|\brdns\b|cannot find your (reverse )?host ?name|ip name lookup failed|forward dns entry|mismatches client ip/i,
    verdict: 'auth_dns',
    why: 'no name for our address in the DNS, whatever the number',
  },
  {
    id: 'our-helo',
    digits: /^5/,
    text: /\b(helo|ehlo)\b.{0,40}(reject|invalid|bad|need|denied|fully|not)|(invalid|bad|forged) (helo|ehlo)/i,
    verdict: 'helo_refused',
    why: 'Postfix refuses the name at RCPT, when it knows who asks',
  },
  {
    id: 'listed',
    digits: /^[45]/,
    text: /spamhaus|spamcop|barracuda ?(central|networks|reputation)|\bsorbs\b|uceprotect|senderscore|sender ?base|invaluement|hostkarma|cloudmark|ipcheck\.proofpoint|\b(black|block|deny)[ -]?(list(s|ed|ing)?)\b|\b(dns|r|uri)bls?\b|(blocked|listed|denied|rejected) (using|by the|at) [\w-]+\.[\w.-]+\.\w|banned (sending ip|sender)|\b(poor|bad|low|none\/bad)\b.{0,30}\breputation|reputation (of|problem|score|is)|client host rejected(?!: cannot find)|client host .{0,60}blocked|connections? (will not be |not |cannot be )accepted from|not (currently )?accepting (e?mail|connections) from (your|this)|not allowed to connect|\b(your|sending|sender|client|this|bad|the) (server )?ip\b.{0,60}(block|ban|reject|listed|refused|denied|not allowed|reputation)|(block|ban|reject|listed|refus|denied)\w*\b.{0,40}\b(your|sending|sender|client) ip\b|\bip(v[46])? address(es)?\b.{0,50}(block|ban|listed|refused|denied)|^\d{3}[- \d.]*(from |for |ip )?\[?(\d{1,3}\.){3}\d{1,3}\]?:? .{0,40}(block|ban|listed|denied)|dynamic(ally)? .{0,20}ip|ip bad|bad ip|abus detecte|access to submit messages|host network not allowed|ip[:=]\S+ - a problem occurred|block for spam/i,
    verdict: 'blocklisted',
    why: 'about the sending address; bouncing recipients for it would suppress good ones',
  },
  {
    id: 'account-stopped',
    digits: /^5/,
    text: /\b(your|the sender|sender'?s?|sending|smtp|user'?s? sending) (user )?account (has been |is |was )?(temporarily |not yet |not |currently )*(suspended|disabled|paused|blocked|locked|terminated|frozen|banned|under review|pending|activated|active|approved|deactivated)|account (has been |is )?(blocked|suspended|disabled|locked) (for|due to|because of)|account is pending approval|\bnot yet activated|^\d{3}[ \d.]+account (has been |is )?(suspended|paused|on hold|disabled|blocked|frozen)|tenant has exceeded threshold/i,
    verdict: 'account_blocked',
    why: 'the sending account; a disabled recipient is worded otherwise',
  },
  { id: 'credits', digits: /^[45]/, text: NO_CREDIT, verdict: 'credits', why: 'coded 451, 525, 535 or 550' },
  {
    id: 'limit-of-time',
    digits: /^[45]/,
    text: /\b(daily|hourly|monthly|weekly|24.hours?|per[- ](day|hour|month)|this (hour|day|month)|current (period|month))\b.{0,60}(limit|quota|exceed|reached|maximum)|(limit|quota|exceed|reached|max\w*|sent too (much|many)).{0,60}\b(daily|hourly|monthly|24.hours?|per[- ](day|hour|month)|this (hour|day|month)|current (period|month))\b|only \d+ (messages|e?mails|recipients) (per|a) (day|hour)/i,
    verdict: 'daily_limit',
    why: 'a limit on us that passes, however it is numbered',
  },
  {
    id: 'our-quota',
    digits: /^[45]/,
    text: /you(r account)?('ve| have| has)? (exceeded|reached|hit) (your|the|a|its) (?!.*(mailbox|storage|per (second|minute)|rate)).{0,40}(quota|limit|allowance)|\b(sending|message|email|smtp|outgoing) (quota|limit) (has been |is |was )?(exceeded|reached|used up)/i,
    verdict: 'daily_limit',
    why: '"your quota" is ours; that of a mailbox is called the recipient\'s',
  },
  {
    id: 'too-fast',
    digits: /^4/,
    text: /\brate[ -]?limit|too many (?!hops)|\bthrottl|slow(er)?( down)?\b|unusual rate|too (fast|quickly|frequent)|(sending|connection|message) (rate|limit)|per[- ](second|minute)|deferred due to|temporarily deferred|excessive (volume|rate|traffic)|unexpected volume|concurrent .{0,60}(limit|exceed)|connection limit|(limit|max\w*) .{0,20}per connection|unsolicited (mail|email)/i,
    verdict: 'rate_limited',
    why: 'the server waits, the message keeps its turn',
  },
  {
    id: 'server-trouble',
    digits: /^4(?!21)/,
    text: /temporary server error|internal (server )?error|temporary (local problem|system error)|local error in processing/i,
    verdict: 'server_temporary',
    why: 'Exchange numbers it 4.7.0, as a policy of the recipient',
  },
  {
    id: 'our-name-later',
    digits: /^4/,
    text: /client host rejected|cannot find your (reverse )?host ?name|(helo|ehlo) command rejected|sender (address )?(rejected|verif|domain)|verify sender|domain of sender|reverse dns|\bptr\b|name lookup failed/i,
    verdict: 'server_temporary',
    why: 'a lookup of our names failed there: not the recipient',
  },
  {
    id: 'too-fast-permanent',
    digits: /^5/,
    text: /(sending|message|connection) (rate|limit) (is |was |has been )?exceeded|\brate.?limit(ed|s)? ?(is |was |has been )?(exceeded)?|too many (messages|e?mails|connections|recipients|sessions|concurrent|invalid|illegal|bad|unknown|errors|spams)|\bthrottled|messages? per (second|minute)|unusual rate|frequency limited/i,
    verdict: 'rate_limited',
    why: 'some number a limit as permanent',
  },
  {
    id: 'send-as',
    digits: /^[45]/,
    text: new RegExp(
      [
        'sender address rejected: not (owned|logged in)',
        `not ${FORBIDDEN} to send( e?mails?| messages?)?( as| from| mail from| on behalf| using|:|\\b)(?! to)`,
        'is not allowed to send',
        'SendAsDenied',
        'permissions? to send (as|from)',
        'relaying (disallowed |denied )?as',
        'mail from not owned|not associated with your account|unconfigured sending domain|not allowed in .{0,10}header from',
        `(\\bfrom: |\\b(sender|from (address|header|domain|field|email)|'from'|mail from|envelope from|sending domain|sender domain|return.path)\\b).{0,90}\\b(not|isn.?t|never) (been )?(a )?${FORBIDDEN}`,
        `\\b(sender|from|domain|sender identity|identity)\\b( address)? (is )?unverified|unverified (sender|domain|from)`,
        'verified sender identity',
        'sender signature',
        'sender address is not (allowed|valid)|not valid for your login',
        'sender verify fail|verification failed for|callout verification fail',
        'domain .{0,80}\\bis not (verified|allowed to send|authori[sz]ed to send)|domain (is )?not verified',
      ].join('|'),
      'i',
    ),
    verdict: 'sender_not_allowed',
    why: 'coded 421, 550, 553 or 554, at MAIL, RCPT or the end; Exim adds "Unrouteable address", of the sender',
  },
  {
    id: 'sender-rejected',
    digits: /^5/,
    text: /sender (e?mail )?address rejected|(bad|invalid|unknown|malformed|unrouteable|unroutable|nonexistent|null|empty) (envelope )?(sender|return.path|reverse.path|mail from)|\bsender'?s?\b.{0,40}\b(domain|address|host)\b.{0,60}(not (exist|found|resolve)|invalid|unknown|required|unresolvable|null mx|no mx)|domain of (the )?sender|sender (is |was )?(unknown|invalid|undeliverable)|bogus mail from|(empty|null) (envelope )?senders? (is |are )?not/i,
    verdict: 'sender_invalid',
    why: 'Postfix says "Sender address rejected: User unknown" at RCPT: never the recipient',
  },
  {
    id: 'code-bad-sender',
    enhanced: /^5\.1\.[78]$/,
    verdict: 'sender_invalid',
    why: 'RFC 3463 §3.2: the address of the sender, syntax or system; "domain does not exist" there is its domain',
  },
  {
    id: 'relay-denied',
    digits: /^[45]/,
    text: /credentials for relay|relay(ing|ed)?( access)?( is| are| mail)? (denied|not (permitted|allowed|supported)|prohibited|disallowed|disabled|forbidden|to .{0,80}(prohibited|denied))|(unable|not permitted|not allowed|refus\w+|cannot|can ?not|won.?t) (to )?relay|do(es)? not relay|no relay|not (an )?open relay|as a relay|list of allowed rcpthosts|insecure mail relay|not configured to relay|don.?t handle mail for|not a gateway|non-accepted domain/i,
    verdict: 'relay_denied',
    why: 'said at RCPT, yet the recipient is fine',
  },
  {
    id: 'words-sign-in',
    stages: ['mail', 'rcpt', 'data', 'body', 'dot'],
    digits: /^5/,
    text: /unauthenticated senders|auth(entication)? (is )?required|must (first )?(be )?(authenticate|log ?in|sign in)|not (been )?authenticated|requires? (smtp )?auth|please authenticate|turn(ed)? on .{0,30}authentication|authentication turned on|authenticate (first|before)|without authentication|need (to )?auth|log ?in first|smtp.auth/i,
    verdict: 'auth_required',
    why: 'said as 503, 530, 550 or 554 when the session was not signed in',
  },
];
