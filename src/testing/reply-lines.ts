import type { OutcomeClass, Stage } from '../transport/outcome.ts';

/** One reply as a server wrote it, and what it must be read as. Lines are parted by \n; addresses are examples. */
export interface ReplyLine {
  /** Whose text it is. */
  source: string;
  stage: Stage;
  code: string;
  class: OutcomeClass;
  reply: string;
  /** The text does not tell the stage, or not alone: it must be given. */
  needsStage: boolean;
}

/** `SOURCE:` opens a group; then `stage code class reply`. A stage with ! must be told, the text alone misleads. */
const LINES = String.raw`
Gmail:
rcpt recipient_unknown recipient_permanent 550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550-5.1.1 unnecessary spaces. Learn more at\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser d9443c01a7336-20 - gsmtp
rcpt mailbox_disabled recipient_permanent 550-5.2.1 The email account that you tried to reach is inactive. For more\n550-5.2.1 information, go to\n550 5.2.1  https://support.google.com/mail/?p=DisabledUser a1-20 - gsmtp
rcpt rate_limited server_deferral 550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n550-5.2.1 prevents additional messages from being delivered.\n550 5.2.1  https://support.google.com/mail/?p=ReceivingRatePerm - gsmtp
rcpt rate_limited server_deferral 450 4.2.1 The user you are trying to contact is receiving email too quickly. Please resend your message at a later time. - gsmtp
rcpt mailbox_full recipient_temporary 452-4.2.2 The recipient's inbox is out of storage space. Please direct the\n452-4.2.2 recipient to\n452 4.2.2  https://support.google.com/mail/?p=OverQuotaTemp - gsmtp
rcpt mailbox_full recipient_temporary 552-5.2.2 The recipient's inbox is out of storage space and inactive. Please\n552-5.2.2 direct the recipient to\n552 5.2.2  https://support.google.com/mail/?p=OverQuotaPerm - gsmtp
mail daily_limit server_deferral 550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n550-5.4.5 sending limits go to\n550 5.4.5  https://support.google.com/a/answer/166852 - gsmtp
dot daily_limit server_deferral 550 5.4.5 Daily SMTP relay sending limit exceeded for user. For more information on SMTP relay sending limits please contact your administrator. - gsmtp
dot rate_limited server_deferral 421-4.7.28 [192.0.2.1      15] Our system has detected an unusual rate of\n421-4.7.28 unsolicited mail originating from your IP address. To protect our\n421-4.7.28 users from spam, mail sent from your IP address has been temporarily\n421 4.7.28 rate limited. - gsmtp
dot rate_limited server_deferral 421-4.7.26 This mail has been rate limited because it is unauthenticated. Gmail\n421-4.7.26 requires all senders to authenticate with either SPF or DKIM.\n421 4.7.26 - gsmtp
dot auth_dns server_attention 550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.\n550-5.7.26  DKIM = did not pass\n550 5.7.26 - gsmtp
dot auth_dns server_attention 550-5.7.26 The MAIL FROM domain [shop.example] has an SPF record with a hard fail\n550-5.7.26 policy (-all) but it fails to pass SPF checks with the ip: [192.0.2.1].\n550 5.7.26 - gsmtp
dot auth_dns server_attention 550-5.7.1 Unauthenticated email from shop.example is not accepted due to domain's\n550-5.7.1 DMARC policy. Please contact the administrator of shop.example domain\n550 5.7.1 if this was a legitimate mail. - gsmtp
dot auth_dns server_attention 550-5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR\n550-5.7.25 record setup, or the corresponding forward DNS entry does not point to\n550 5.7.25 the sending IP. - gsmtp
dot auth_dns server_attention 550-5.7.30 Your email has been blocked because DKIM authentication did not pass.\n550 5.7.30 - gsmtp
dot policy_rejected message_permanent 550-5.7.1 [192.0.2.1] Our system has detected that this message is likely\n550-5.7.1 unsolicited mail. To reduce the amount of spam sent to Gmail, this\n550 5.7.1 message has been blocked. - gsmtp
dot blocklisted server_deferral 550-5.7.1 [192.0.2.1] Our system has detected that this message is likely\n550-5.7.1 suspicious due to the very low reputation of the sending domain.\n550 5.7.1 - gsmtp
dot malformed message_permanent 550-5.7.1 [192.0.2.1] Our system has detected that this message is not\n550-5.7.1 RFC 5322 compliant: 'From' header is missing. To reduce the amount of\n550 5.7.1 spam sent to Gmail, this message has been blocked. - gsmtp
dot content_blocked message_permanent 552-5.7.0 This message was blocked because its content presents a potential\n552 5.7.0 security issue. https://support.google.com/mail/?p=BlockedMessage - gsmtp
dot too_large message_permanent 552-5.3.4 Your message exceeded Google's message size limits. To view our message\n552 5.3.4 size guidelines, go to https://support.google.com/mail/?p=MaxSizeError - gsmtp
auth auth_app_password server_attention 535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials a1-20 - gsmtp
auth auth_app_password server_attention 534-5.7.9 Application-specific password required. For more information, go to\n534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor - gsmtp
auth auth_web_login server_attention 534-5.7.14 <https://accounts.google.com/signin/continue> Please log in via\n534-5.7.14 your web browser and then try again.\n534 5.7.14  https://support.google.com/mail/answer/78754 - gsmtp
auth auth_temporary server_deferral 454 4.7.0 Too many login attempts, please try again later. - gsmtp
mail auth_required server_attention 530-5.7.0 Authentication Required. For more information, go to\n530 5.7.0  https://support.google.com/mail/?p=WantAuthError - gsmtp
auth auth_needs_tls server_attention 530-5.7.0 Must issue a STARTTLS command first. For more information, go to\n530 5.7.0  https://support.google.com/a/answer/3221692 - gsmtp
rcpt relay_denied server_attention 550-5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address you've\n550-5.7.1 registered in your Workspace SMTP Relay service doesn't match domain.\n550 5.7.1 - gsmtp
dot server_temporary server_deferral 451 4.3.0 Mail server temporarily rejected message. a1-20 - gsmtp
dot accepted accepted 250 2.0.0 OK  1732350000 a640c23a62f3a-aa4f1e2d3sm123456b.12 - gsmtp
Amazon SES:
dot ses_rate server_deferral 454 Throttling failure: Maximum sending rate exceeded.
dot ses_daily server_deferral 454 Throttling failure: Daily message quota exceeded.
dot ses_not_verified server_attention 554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: news@shop.example
dot account_blocked server_attention 554 Message rejected: Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.
dot malformed message_permanent 554 Transaction failed: Duplicate header 'Subject'.
auth auth_ses server_attention 535 Authentication Credentials Invalid
dot server_temporary server_deferral 451 4.4.2 Internal server error
dot accepted accepted 250 Ok 0102018f0c1d2e3f-5a5b5c5d-0000-1111-2222-333344445555-000000
Microsoft 365:
auth auth_basic_disabled server_attention 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [AM0PR04CA0001.eurprd04.prod.outlook.com]
auth auth_basic_disabled server_attention 535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator. [AM0PR04CA0001.eurprd04.prod.outlook.com]
auth auth_basic_disabled server_attention 550 5.7.30 Basic authentication is not supported for Client Submission. [AM0PR04CA0001.eurprd04.prod.outlook.com]
auth auth_rejected server_attention 535 5.7.3 Authentication unsuccessful [AM0PR04CA0001.eurprd04.prod.outlook.com]
mail auth_required server_attention 530 5.7.57 Client not authenticated to send mail. [AM0PR04CA0001.eurprd04.prod.outlook.com]
dot sender_not_allowed server_attention 554 5.2.252 SendAsDenied; shop@shop.example not allowed to send as news@shop.example; STOREDRV.Submission.Exception:SendAsDeniedException
mail sender_not_allowed server_attention 550 5.7.60 SMTP; Client does not have permissions to send as this sender
dot ms_limit server_deferral 432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname=AM0PR04CA0001.eurprd04.prod.outlook.com]
dot ms_limit server_deferral 432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=AM0PR04CA0001.eurprd04.prod.outlook.com]
dot ms_limit server_deferral 451 4.5.127 Message rejected. Excessive message rate from sender.
dot ms_limit server_deferral 554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception
dot account_blocked server_attention 550 5.1.8 Access denied, bad outbound sender AS(42004)
dot account_blocked server_attention 550 5.7.705 Access denied, tenant has exceeded threshold
dot account_blocked server_attention 550 5.7.708 Access denied, traffic not accepted from this IP
rcpt relay_denied server_attention 550 5.7.64 TenantAttribution; Relay Access Denied [AM0EUR02FT001.eop-EUR02.prod.protection.outlook.com]
rcpt relay_denied server_attention 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
rcpt recipient_unknown recipient_permanent 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@example.org not found by SMTP address lookup
rcpt recipient_unknown recipient_permanent 550 5.4.1 Recipient address rejected: Access denied. [AM0EUR02FT001.eop-EUR02.prod.protection.outlook.com]
rcpt recipient_unknown recipient_permanent 550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [AM0EUR02FT001.eop-EUR02.prod.protection.outlook.com]
rcpt policy_rejected message_permanent 550 5.7.1 RESOLVER.RST.AuthRequired; authentication required [Stage: CreateMessage]
rcpt policy_rejected message_permanent 550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed
dot mailbox_full recipient_temporary 554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded
dot too_large message_permanent 550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient
rcpt blocklisted server_deferral 550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/
rcpt blocklisted server_deferral 550 5.7.511 Access denied, banned sender[192.0.2.1]. To request removal from this list please forward this message to delist@messaging.microsoft.com
dot rate_limited server_deferral 451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719) [AM0EUR02FT001.eop-EUR02.prod.protection.outlook.com]
Outlook.com:
dot blocklisted server_deferral 550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).
dot auth_dns server_attention 550 5.7.515 Access denied, sending domain shop.example does not meet the required authentication level. The sender's domain in the 5322.From address doesn't meet the authentication requirements defined for the sender. Spf= Fail , Dkim= Pass , DMARC= Pass
dot auth_dns server_attention 550 5.7.509 Access denied, sending domain shop.example does not pass DMARC verification and has a DMARC policy of reject.
dot rate_limited server_deferral 451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S843)
dot rate_limited server_deferral 554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour.
Yahoo:
rcpt recipient_unknown recipient_permanent 554 delivery error: dd This user doesn't have a yahoo.com account (ann@example.org) [0] - mta1397.mail.gq1.yahoo.com
rcpt recipient_unknown recipient_permanent 554 delivery error: dd Not a valid recipient - atlas315.free.mail.ne1.yahoo.com
rcpt mailbox_disabled recipient_permanent 554 delivery error: dd Sorry, your message to ann@example.org cannot be delivered. This mailbox is disabled (554.30). - mta4459.mail.bf1.yahoo.com
dot rate_limited server_deferral 421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes
mail blocklisted server_deferral 553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list; see https://postmaster.yahooinc.com/error-codes
dot auth_dns server_attention 554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes
dot policy_rejected message_permanent 554 Message not allowed - [PH01] Email not accepted for policy reasons. Please visit https://postmaster.yahooinc.com/error-codes [120]
auth auth_temporary server_deferral 535 5.7.0 (#AUTH005) Too many bad auth attempts.
dot server_temporary server_deferral 451 mta1234.mail.yahoo.com Resources temporarily unavailable. Please try again later [#4.16.1].
Apple iCloud:
rcpt recipient_unknown recipient_permanent 550 5.1.1 <ann@example.org>: user does not exist
rcpt mailbox_full recipient_temporary 552 5.2.2 <ann@example.org>: user is over quota
dot policy_rejected message_permanent 554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137
greet greeting_refused server_attention 554 pv33p00im-smtpin013.me.com ESMTP not accepting connections
dot rate_limited server_deferral 421 4.7.1 Messages to ann@example.org deferred due to excessive volume. Try again later - https://support.apple.com/en-us/HT204137
Zoho and ZeptoMail:
mail sender_not_allowed server_attention 553 Relaying disallowed as news@shop.example
dot account_blocked server_attention 550 5.4.6 Unusual sending activity detected. Please try after sometime.
mail account_blocked server_attention 554 5.1.8 Email Outgoing Blocked
auth auth_rejected server_attention 535 Authentication Failed
dot content_blocked message_permanent 552 5.7.1 virus Win.Test.EICAR_HDB-1 detected by Zoho Mail
Postmark:
dot sender_not_allowed server_attention 550 5.7.1 The 'From' address you supplied (news@shop.example) is not a Sender Signature on your account. Please add and confirm this address.
dot policy_rejected message_permanent 550 5.7.1 You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ann@example.org.
dot account_blocked server_attention 550 5.7.1 While your account is pending approval, all recipient addresses must share the same domain as the 'From' address.
Mandrill:
auth auth_rejected server_attention 535 5.7.8 Error: authentication failed
dot daily_limit server_deferral 550 5.7.1 Hourly quota exceeded for this account
SendGrid:
auth credits server_attention 451 Authentication failed: Maximum credits exceeded
mail sender_not_allowed server_attention 550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.
auth auth_rejected server_attention 535 Authentication failed: Bad username / password
rcpt rate_limited server_deferral 450 too frequent connects from 192.0.2.1, please try again later.
mail auth_required server_attention 550 Unauthenticated senders not allowed
dot rate_limited server_deferral 421 Message from (192.0.2.1) temporarily deferred
Mailgun:
mail sender_not_allowed server_attention 421 Domain shop.example is not allowed to send: The domain is unverified and requires DNS configuration.
dot account_blocked server_attention 421 Domain sandbox1.mailgun.org is not allowed to send: Please activate your Mailgun account. Check your inbox or log in to your control panel to resend the activation email.
dot daily_limit server_deferral 421 Domain shop.example is not allowed to send: recipient limit exceeded, try again after Sun, 05 Oct 2025 19:22:44 UTC
Brevo:
dot account_blocked server_attention 502 5.7.0 Your SMTP account is not yet activated. Please contact us at contact@example.com to request activation
auth auth_account server_attention 525 5.7.1 Unauthorized IP address
auth auth_rejected server_attention 535 5.7.8 Authentication failed
SparkPost:
dot sender_not_allowed server_attention 550 5.7.1 Unconfigured Sending Domain <shop.example>
SMTP2GO:
dot sender_not_allowed server_attention 550 From header sender domain not verified
rcpt relay_denied server_attention 550 Relay access denied
GoDaddy and cPanel:
dot daily_limit server_deferral 550 shop@shop.example has exceeded its 24-hour sending limit. Messages to 250 recipients out of 250 allowed have been sent.
dot daily_limit server_deferral 550 Domain shop.example has exceeded the max emails per hour (500/500 (100%)) allowed. Message discarded.
rcpt relay_denied server_attention 550-Please turn on SMTP Authentication in your mail client.\n550-host.example.net [192.0.2.1]:1234 is not permitted to relay through this\n550 server without authentication.
dot account_blocked server_attention 550 Outgoing mail from "shop@shop.example" has been suspended.
Spamhaus, Barracuda and others that keep lists:
rcpt blocklisted server_deferral 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1
rcpt blocklisted server_deferral 550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/192.0.2.1
rcpt blocklisted server_deferral 554 Service unavailable; Client host [mx.example.net] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.1
rcpt blocklisted server_deferral 550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is blacklisted using SPAMHAUS-XBL. Details: https://www.spamhaus.org/query/ip/192.0.2.1.
rcpt blocklisted server_deferral 550-"JunkMail rejected - mx.example.net [192.0.2.1]:24706 is in an RBL:\n550 see https://www.spamcop.net/bl.shtml?192.0.2.1"
rcpt blocklisted server_deferral 550 5.1.1 <ann@example.org>: Recipient address rejected: your IP is on a blacklist
rcpt recipient_unknown recipient_permanent 550 cuda_nsu 5.1.1 <ann@example.org>... User unknown
dot content_blocked message_permanent 554 rejecting banned content
Proofpoint:
greet! greeting_refused server_attention 554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1
rcpt blocklisted server_deferral 550 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1
rcpt recipient_unknown recipient_permanent 550 5.7.1 <ann@example.org>: Recipient address rejected: User email address is marked as invalid.
rcpt recipient_unknown recipient_permanent 550 5.1.1 <ann@example.org>: Recipient address rejected: undeliverable address: host mx.example.org[192.0.2.7] said: 550 5.1.1 <ann@example.org>: user unknown
dot auth_dns server_attention 550 5.7.0 Email rejected per sender's DMARC policy
Mimecast:
rcpt recipient_unknown recipient_permanent 550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [vH7Ns8biNg-p6EfZ0QaVMQ.us149]
rcpt policy_rejected message_permanent 550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550 [vH7Ns8biNg]
rcpt greylisted recipient_temporary 451 Internal resources are temporarily unavailable - greylisted - https://community.mimecast.com/docs/DOC-1369#451
dot policy_rejected message_permanent 554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554 [vH7Ns8biNg]
dot blocklisted server_deferral 554 Host network not allowed - https://community.mimecast.com/docs/DOC-1369#554 [vH7Ns8biNg]
Postfix:
rcpt recipient_unknown recipient_permanent 550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in virtual mailbox table
rcpt greylisted recipient_temporary 450 4.1.1 <ann@example.org>: Recipient address rejected: unverified address: Address verification in progress
rcpt greylisted recipient_temporary 450 4.2.0 <ann@example.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.org.html
rcpt relay_denied server_attention 554 5.7.1 <ann@example.org>: Relay access denied
rcpt relay_denied server_attention 454 4.7.1 <ann@example.org>: Relay access denied
rcpt policy_rejected message_permanent 554 5.7.1 <ann@example.org>: Recipient address rejected: Access denied
rcpt sender_not_allowed server_attention 553 5.7.1 <news@shop.example>: Sender address rejected: not owned by user shop@shop.example
rcpt sender_invalid message_permanent 550 5.1.8 <news@shop.example>: Sender address rejected: Domain not found
rcpt sender_invalid message_permanent 550 5.1.0 <news@shop.example>: Sender address rejected: User unknown in virtual mailbox table
rcpt server_temporary server_deferral 450 4.1.8 <news@shop.example>: Sender address rejected: Domain not found
rcpt helo_refused server_attention 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname
rcpt server_temporary server_deferral 450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]
rcpt auth_dns server_attention 550 5.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]
rcpt domain_unknown recipient_temporary 450 4.1.2 <ann@example.org>: Recipient address rejected: Domain not found
rcpt domain_unknown recipient_permanent 550 5.1.2 <ann@example.org>: Recipient address rejected: Domain not found
rcpt server_temporary server_deferral 451 4.3.0 <ann@example.org>: Temporary lookup failure
mail server_full server_deferral 452 4.3.1 Insufficient system storage
mail too_large message_permanent 552 5.3.4 Message size exceeds fixed limit
dot too_large message_permanent 552 5.3.4 Error: message file too big
data! protocol server_deferral 554 5.5.1 Error: no valid recipients
rcpt rate_limited server_deferral 452 4.5.3 Error: too many recipients
rcpt rate_limited server_deferral 450 4.7.1 Error: too much mail from 192.0.2.1, slow down
dot server_closing server_deferral 421 4.4.2 mx.example.org Error: timeout exceeded
auth auth_rejected server_attention 535 5.7.8 Error: authentication failed: authentication failure
auth auth_temporary server_deferral 454 4.7.0 Temporary authentication failure: Connection lost to authentication server
starttls starttls_temporary server_deferral 454 4.7.0 TLS not available due to local problem
mail parameter message_permanent 555 5.5.4 Unsupported option: SMTPUTF8
dot policy_rejected message_permanent 554 5.7.1 Spam message rejected
dot accepted accepted 250 2.0.0 Ok: queued as 4bXyZ12345z
Exim:
rcpt recipient_unknown recipient_permanent 550 Unrouteable address
rcpt recipient_unknown recipient_permanent 550 No such user here
rcpt recipient_unknown recipient_permanent 550-Callback setup failed while verifying <ann@example.org>\n550 unknown user
rcpt sender_not_allowed server_attention 550-Verification failed for <news@shop.example>\n550-Unrouteable address\n550 Sender verify failed
rcpt domain_unknown recipient_permanent 550 all relevant MX records point to non-existent hosts
rcpt relay_denied server_attention 550 relay not permitted
rcpt server_temporary server_deferral 451 Temporary local problem - please try later
rcpt greylisted recipient_temporary 451 greylisted, please try again later
auth auth_not_offered server_attention 503 AUTH command used when not advertised
auth auth_rejected server_attention 535 Incorrect authentication data
auth auth_temporary server_deferral 435 Unable to authenticate at present
dot policy_rejected message_permanent 550 This message scored 12.3 spam points.
greet server_busy server_deferral 421 Too busy, please try again later
rcpt mailbox_disabled recipient_permanent 550 Mailbox disabled for this recipient
dot accepted accepted 250 OK id=1tF3Ab-0000000Abc1-2DeF
qmail:
rcpt recipient_unknown recipient_permanent 550 sorry, no mailbox here by that name (#5.1.1)
rcpt relay_denied server_attention 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
mail sender_invalid message_permanent 553 sorry, your envelope sender domain must exist (#5.7.1): invalid sender domain
dot too_large message_permanent 552 sorry, that message size exceeds my databytes limit (#5.3.4)
rcpt mailbox_full recipient_temporary 552 sorry, mailbox is over quota (#5.2.2)
Sendmail and Cisco:
rcpt recipient_unknown recipient_permanent 550 5.1.1 <ann@example.org>... User unknown
rcpt recipient_unknown recipient_permanent 550 #5.1.0 Address rejected.
mail sender_invalid message_permanent 553 5.1.8 <news@shop.example>... Domain of sender address news@shop.example does not exist
rcpt relay_denied server_attention 550 5.7.1 <ann@example.org>... Relaying denied. Proper authentication required.
mail rate_limited server_deferral 452 4.3.2 Connection rate limit exceeded.
greet greeting_refused server_attention 554-esa1.example.net\n554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. No SMTP service here
mail server_full server_deferral 452 4.4.5 Insufficient disk space; try again later
dot malformed message_permanent 554 5.6.0 Invalid header: missing required header From
RFC 5321 and RFC 7505:
dot! server_closing server_deferral 421 Service not available, closing transmission channel
rcpt recipient_unknown recipient_permanent 550 Requested action not taken: mailbox unavailable
rcpt recipient_unknown recipient_permanent 551 User not local; please try <ann@example.net>
rcpt mailbox_full recipient_temporary 552 Requested mail action aborted: exceeded storage allocation
rcpt greylisted recipient_temporary 450 Requested mail action not taken: mailbox unavailable
dot server_temporary server_deferral 451 Requested action aborted: local error in processing
mail server_full server_deferral 452 Requested action not taken: insufficient system storage
dot rejected message_permanent 554 Transaction failed
rcpt domain_unknown recipient_permanent 556 5.1.10 Recipient address has null MX
rcpt recipient_unknown recipient_permanent 501 5.1.3 Bad recipient address syntax
`;

export const REPLY_LINES: readonly ReplyLine[] = parse(LINES);

function parse(text: string): ReplyLine[] {
  let source = '';
  return text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const row = /^([a-z]+)(!?) (\w+) (\w+) (\d{3}[ -].*)$/.exec(line);
      if (!row) {
        source = line.replace(/:$/, '');
        return [];
      }
      const [, stage, mark, code, outcomeClass, reply] = row;
      return {
        source,
        stage: stage as Stage,
        code: code!,
        class: outcomeClass as OutcomeClass,
        reply: reply!.replaceAll('\\n', '\n'),
        needsStage: mark === '!',
      };
    });
}
