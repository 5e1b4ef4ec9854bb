/** Nobody waits longer for company, however long a write takes. */
const MAX_WAIT_MS = 4;
/** A write that takes longer is worse than one more beside it: then nobody waits for company. */
const SLOW_MS = 2;
/** Whose outcome came last asks for its next marker so many turns of the event loop later. */
const TURNS_TO_MARKER = 1;

/**
 * Lets a group of the journal wait for those who are about to join it: messages whose final dot is out, and whose
 * connection will bring an outcome and the next marker as soon as the server has answered. Otherwise the connections
 * part in two halves, of which one waits for the database while the other is at the wire, and a write is shared by half
 * of them. The wait is never longer than a write, and who was waited for in vain is not waited for again. Alone, a
 * message waits for nothing.
 */
export class Company {
  readonly #maxWaitMs: number;
  readonly #slowMs: number;
  readonly #expected = new Set<string>();
  /** How many came back since a group was closed. */
  #back = 0;
  #writeMs = 0;
  #whenBack = (): void => {};

  constructor(maxWaitMs = MAX_WAIT_MS, slowMs = SLOW_MS) {
    this.#maxWaitMs = maxWaitMs;
    this.#slowMs = slowMs;
  }

  /** The dots of these claims are about to leave. */
  left(claims: Iterable<string>): void {
    for (const claim of claims) this.#expected.add(claim);
  }

  back(claim: string): void {
    this.#expected.delete(claim);
    this.#back++;
    this.#whenBack();
  }

  /** How long the last write took, ms. */
  wrote(ms: number): void {
    this.#writeMs = ms;
  }

  /**
   * Where the next group can be written while this one is, half of them are enough: the two halves take turns at the wire
   * and at the database.
   * @param underWay groups that are being written
   * @param maxUnderWay so many may be
   */
  async gather(underWay = 0, maxUnderWay = 1): Promise<void> {
    const mayPart = underWay + 1 < maxUnderWay;
    const isEnough = () => this.#expected.size <= (mayPart ? this.#back : 0);
    if (!isEnough() && this.#writeMs > 0 && !this.#isAlone(maxUnderWay)) {
      await this.#until(isEnough);
      for (let turns = 0; turns < TURNS_TO_MARKER; turns++) await new Promise((turn) => setImmediate(turn));
    }
    this.#back = 0;
  }

  /**
   * Begins a group for those who ask now. Where nobody waits for company they are one connection, with its outcome and
   * its next marker: both ask before the promises that its server's answer resolved have come to an end.
   */
  soon(begin: () => void, maxUnderWay = 1): void {
    if (this.#isAlone(maxUnderWay)) process.nextTick(begin);
    else setImmediate(begin);
  }

  /** Whether writes take so long that a group goes alone, beside the others. */
  #isAlone(maxUnderWay: number): boolean {
    return maxUnderWay > 1 && this.#writeMs > this.#slowMs;
  }

  #until(isEnough: () => boolean): Promise<void> {
    return new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#whenBack = () => {};
        resolve();
      };
      const giveUp = () => {
        this.#expected.clear();
        end();
      };
      const timer = setTimeout(giveUp, Math.min(this.#writeMs, this.#maxWaitMs));
      this.#whenBack = () => {
        if (isEnough()) end();
      };
    });
  }
}
