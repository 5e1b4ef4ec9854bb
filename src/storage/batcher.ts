/** Entries of one group: enough to fill a flush, few enough that none waits long. */
const MAX_GROUP = 500;

interface Waiting<Entry, Result> {
  entry: Entry;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

interface Failed<Entry, Result> {
  group: readonly Waiting<Entry, Result>[];
  error: unknown;
}

export interface BatcherOptions {
  /** Groups being written at the same time. */
  maxUnderWay?: number;
  /** A group is closed when this resolves. */
  gather?: (underWay: number) => Promise<void>;
  /** Begins when all have asked who ask now. */
  soon?: (begin: () => void) => void;
}

/**
 * Gathers what is asked for within one turn of the event loop, and while as many groups as may are being written, into
 * groups that share a transaction and its flush. Nothing waits for a timer: alone, an entry has its own commit; under
 * load many share one. Groups are begun in the order in which they were asked for; with one under way at a time they
 * are written in that order. A group that fails is tried again one by one, when no other is under way, so that one bad
 * entry never takes others with it.
 */
export class Batcher<Entry, Result> {
  readonly #write: (entries: readonly Entry[], again: boolean) => Promise<readonly Result[]>;
  readonly #maxUnderWay: number;
  readonly #gather: (underWay: number) => Promise<void>;
  readonly #soon: (begin: () => void) => void;
  #waiting: Waiting<Entry, Result>[] = [];
  #underWay = 0;
  #failed: Failed<Entry, Result>[] = [];
  #isAsked = false;
  #isBeginning = false;

  /**
   * `write` stores a group in one transaction and gives a result for each, in order; `again` when the group failed
   * before.
   */
  constructor(
    write: (entries: readonly Entry[], again: boolean) => Promise<readonly Result[]>,
    { maxUnderWay = 1, gather = async () => {}, soon = setImmediate }: BatcherOptions = {},
  ) {
    this.#write = write;
    this.#maxUnderWay = maxUnderWay;
    this.#gather = gather;
    this.#soon = soon;
  }

  add(entry: Entry): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (this.#isAsked) return;
      this.#isAsked = true;
      this.#soon(() => {
        this.#isAsked = false;
        void this.#begin();
      });
    });
  }

  /** Begins as many groups as there are entries for, and places. */
  async #begin(): Promise<void> {
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    while (this.#waiting.length > 0 && this.#underWay < this.#maxUnderWay && this.#failed.length === 0) {
      await this.#gather(this.#underWay);
      this.#underWay++;
      void this.#end(this.#waiting.splice(0, MAX_GROUP));
    }
    this.#isBeginning = false;
  }

  async #end(group: readonly Waiting<Entry, Result>[]): Promise<void> {
    await this.#writeGroup(group).catch((error) => this.#failed.push({ group, error }));
    this.#underWay--;
    if (this.#failed.length > 0 && this.#underWay === 0) await this.#tryAgain();
    await this.#begin();
  }

  async #writeGroup(group: readonly Waiting<Entry, Result>[], again = false): Promise<void> {
    const results = await this.#write(
      group.map((one) => one.entry),
      again,
    );
    for (const [at, one] of group.entries()) one.resolve(results[at]!);
  }

  async #tryAgain(): Promise<void> {
    for (const { group, error } of this.#failed) await this.#oneByOne(group, error);
    this.#failed = [];
  }

  async #oneByOne(group: readonly Waiting<Entry, Result>[], error: unknown): Promise<void> {
    // Alone it failed by its own fault, unless it was for another group that failed beside it.
    if (group.length === 1 && this.#maxUnderWay === 1) return group[0]!.reject(error);
    for (const one of group) await this.#writeGroup([one], true).catch(one.reject);
  }
}
