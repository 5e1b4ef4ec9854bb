import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { ServerConnection } from './connection.ts';
import { answer, type Ordinary, playFault } from './faults.ts';
import { type Entry, readContent } from './ledger.ts';
import { MessageReader } from './message-reader.ts';
import type { FaultStage, Moment, Stroke } from './script.ts';
import { type SignIn, type SignInStep, signInWith } from './sign-in.ts';

/** What a session needs from its server. */
export interface House {
  security: 'none' | 'starttls' | 'ssl';
  secureContext: SecureContext;
  /** Without STARTTLS and the usual AUTH, which follow from the state of the session. */
  extensions: string[];
  users: Record<string, string> | undefined;
  requireAuth: boolean;
  sizeLimit: number;
  /** Takes every odd end of a message for one. */
  lenient: boolean;
  now: () => number;
  strike: (moment: Moment) => Stroke | undefined;
  record: (connection: number, command: string) => void;
  append: (entry: Entry) => void;
}

const NAME = 'demo.mailwright.test';
const MAX_LINE = 65_536;
const NO_EFFECT = (): void => {};

/** One session of the scriptable server: the commands of RFC 5321 in order, each answer open to a fault. */
export class ServerSession {
  readonly #house: House;
  readonly #number: number;
  readonly #line: ServerConnection;
  readonly #reached = new Map<FaultStage, number>();
  #user: string | undefined;
  #signIn: SignIn | undefined;
  #mailFrom: string | undefined;
  #rcpts: string[] = [];
  #data: MessageReader | undefined;
  /** Set while a TLS handshake is to come. */
  #onHello: (() => void) | undefined;

  constructor(socket: Socket, connection: number, house: House) {
    this.#house = house;
    this.#number = connection;
    this.#line = new ServerConnection(socket, house.sizeLimit + MAX_LINE, (input) => this.#consume(input));
  }

  start(): void {
    this.#meet('accept', {
      after: () => {
        if (this.#house.security === 'ssl') this.#secure(() => this.#greet());
        else this.#greet();
      },
    });
    this.#line.flush();
  }

  /** Plays the script's fault for this moment, or answers as usual. */
  #meet(stage: FaultStage, given: Partial<Ordinary> & { rcpt?: string | undefined }): void {
    const nth = (this.#reached.get(stage) ?? 0) + 1;
    this.#reached.set(stage, nth);
    const ordinary = { reply: '', effect: NO_EFFECT, after: NO_EFFECT, isFurther: false, ...given };
    const fault = this.#house.strike({ stage, connection: this.#number, rcpt: given.rcpt, nth });
    if (fault === undefined) answer(ordinary, this.#line);
    else playFault(fault, stage, ordinary, this.#line);
  }

  /** The handshake begins with the client's first bytes. */
  #secure(then: () => void): void {
    this.#onHello = () => {
      this.#onHello = undefined;
      this.#meet('handshake', { after: () => this.#line.secure(this.#house.secureContext, then) });
    };
  }

  #greet(): void {
    this.#meet('greet', { reply: `220 ${NAME} ESMTP ready` });
  }

  #consume(input: Buffer): number {
    if (this.#onHello) {
      this.#onHello();
      return 0;
    }
    if (this.#data) return this.#readData(this.#data, input);
    const end = input.indexOf('\n');
    if (end < 0 && input.length > MAX_LINE) this.#line.reset();
    if (end < 0) return 0;
    const line = input.toString('utf8', 0, end).replace(/\r$/, '');
    if (this.#signIn) this.#continueSignIn(this.#signIn, line);
    else this.#obey(line);
    return end + 1;
  }

  #obey(line: string): void {
    const verb = (/^[a-z]+/i.exec(line)?.[0] ?? '').toUpperCase();
    this.#house.record(this.#number, verb === 'AUTH' ? line.replace(/^(\S+ \S+) .*/, '$1 ***') : line);
    const command = this.#commands[verb];
    if (command) command(line.slice(verb.length).trim());
    else if (line === '' && this.#house.lenient)
      return; // the rest of a line end it took for half of one
    else this.#line.say('500 5.5.2 Unknown command');
  }

  readonly #commands: Record<string, (argument: string) => void> = {
    EHLO: () => this.#meet(this.#isUpgraded ? 'ehlo2' : 'ehlo', { reply: this.#hello() }),
    HELO: () => this.#meet(this.#isUpgraded ? 'ehlo2' : 'ehlo', { reply: `250 ${NAME}` }),
    STARTTLS: () => this.#startTls(),
    AUTH: (argument) => this.#auth(argument),
    MAIL: (argument) => this.#mail(argument),
    RCPT: (argument) => this.#rcpt(argument),
    DATA: () => this.#startData(),
    RSET: () => this.#meet('rset', { reply: '250 2.0.0 Reset', effect: () => this.#forgetMail() }),
    NOOP: () => this.#line.say('250 2.0.0 Ok'),
    QUIT: () => this.#quit(),
  };

  get #isUpgraded(): boolean {
    return this.#line.isSecure && this.#house.security === 'starttls';
  }

  #hello(): string {
    const { extensions, security, users } = this.#house;
    const lines = [NAME, ...extensions];
    if (security === 'starttls' && !this.#line.isSecure) lines.push('STARTTLS');
    const maySignIn = users && (this.#line.isSecure || security === 'none');
    if (maySignIn && !extensions.some((word) => word.startsWith('AUTH'))) lines.push('AUTH PLAIN LOGIN');
    return lines.map((text, at) => `250${at === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
  }

  #startTls(): void {
    if (this.#house.security !== 'starttls' || this.#line.isSecure) {
      this.#line.say('502 5.5.1 Not offered');
      return;
    }
    this.#line.forgetInput();
    this.#meet('starttls', { reply: '220 2.0.0 Ready to start TLS', after: () => this.#secure(NO_EFFECT) });
  }

  #auth(argument: string): void {
    if (this.#house.users) this.#proceed(signInWith(argument));
    else this.#line.say('502 5.5.1 Not offered');
  }

  #continueSignIn(signIn: SignIn, line: string): void {
    this.#house.record(this.#number, '***');
    this.#signIn = undefined;
    this.#proceed(signIn.next(line));
  }

  #proceed(step: SignInStep): void {
    if (step.is === 'refused') this.#line.say(step.reply);
    else if (step.is === 'prompt') {
      this.#signIn = step;
      this.#line.say(`334 ${step.prompt}`);
    } else if (this.#house.users?.[step.username] === step.password) {
      this.#meet('auth', {
        reply: '235 2.7.0 Authentication successful',
        effect: () => {
          this.#user = step.username;
        },
      });
    } else this.#meet('auth', { reply: '535 5.7.8 Error: authentication failed' });
  }

  #mail(argument: string): void {
    const path = /^from:\s*<([^>]*)>/i.exec(argument)?.[1];
    const complaint = this.#complaintAboutMail(path, argument);
    if (complaint !== undefined) this.#line.say(complaint);
    else {
      this.#meet('mail', {
        reply: '250 2.1.0 Ok',
        effect: () => {
          this.#mailFrom = path;
        },
      });
    }
  }

  #complaintAboutMail(path: string | undefined, argument: string): string | undefined {
    const { security, requireAuth, sizeLimit } = this.#house;
    if (path === undefined) return '501 5.5.4 Syntax: MAIL FROM:<address>';
    if (security === 'starttls' && !this.#line.isSecure)
      return '530 5.7.0 Must issue a STARTTLS command first';
    if (requireAuth && this.#user === undefined) return '530 5.7.0 Authentication required';
    if (this.#mailFrom !== undefined) return '503 5.5.1 Nested MAIL command';
    const size = Number(/\bsize=(\d+)/i.exec(argument)?.[1] ?? 0);
    return size > sizeLimit ? TOO_LARGE : undefined;
  }

  #rcpt(argument: string): void {
    const path = /^to:\s*<([^>]+)>/i.exec(argument)?.[1];
    if (path === undefined) this.#line.say('501 5.5.4 Syntax: RCPT TO:<address>');
    else if (this.#mailFrom === undefined) this.#line.say('503 5.5.1 Need MAIL before RCPT');
    else {
      const isFurther = this.#rcpts.length > 0;
      const effect = (): void => void this.#rcpts.push(path);
      this.#meet('rcpt', { reply: '250 2.1.5 Ok', effect, rcpt: path, isFurther });
    }
  }

  #startData(): void {
    const hasRecipient = this.#rcpts.length > 0;
    const reply = hasRecipient ? '354 End data with <CR><LF>.<CR><LF>' : '554 5.5.1 No valid recipients';
    const effect = (said: string): void => {
      if (said.startsWith('354')) this.#data = new MessageReader(this.#house.sizeLimit, this.#house.lenient);
    };
    this.#meet('data', { reply, effect, rcpt: this.#rcpts[0] });
  }

  #readData(data: MessageReader, input: Buffer): number {
    if (!data.hasBegun) {
      data.hasBegun = true;
      this.#meet('body', { rcpt: this.#rcpts[0] });
      if (!this.#line.isListening) return 0;
    }
    const end = data.take(input);
    if (end < 0) return input.length;
    this.#data = undefined;
    this.#finish(data, end < input.length);
    return end;
  }

  #finish(data: MessageReader, followed: boolean): void {
    const content = data.content();
    const mailFrom = this.#mailFrom ?? '';
    const mail = { connection: this.#number, mailFrom, rcpts: this.#rcpts, content, followed };
    this.#forgetMail();
    if (data.isTooLarge) {
      this.#line.say(TOO_LARGE);
      return;
    }
    const described = readContent(content);
    const reply = `250 2.0.0 Ok: queued as ${described.bodySha256.slice(0, 12).toUpperCase()}`;
    const accept = (said: string): void => {
      const state = { at: this.#house.now(), user: this.#user, tls: this.#line.isSecure, reply: said };
      this.#house.append({ ...mail, ...described, ...state });
    };
    this.#meet('dot', { reply, effect: accept, rcpt: mail.rcpts[0] });
  }

  #forgetMail(): void {
    this.#mailFrom = undefined;
    this.#rcpts = [];
  }

  #quit(): void {
    this.#meet('quit', { reply: '221 2.0.0 Bye', after: () => this.#line.end() });
  }
}

const TOO_LARGE = '552 5.3.4 Message size exceeds fixed limit';
