import { EAGER_COMMIT_MIN_COMMANDS, OPEN_UPDATES_MAX } from '../limits.ts';
import { type Batch, type Decided, decideBatch, isUpdate, withReceipt } from './batch.ts';
import { type Command, isOwn, isQuestion, type Outcome, type Question } from './command.ts';
import { type Conclusion, commitBatch } from './commits.ts';
import { decide } from './decide.ts';
import { logFailedCommit } from './failed-commit.ts';
import { type IdempotencyKey, replay } from './idempotency.ts';
import { Keys } from './keys.ts';
import { Memory } from './memory.ts';
import { type Advance, advance, type OpenUpdate } from './open-updates.ts';
import { NotAdoptedError, type Ports } from './ports.ts';
import {
  asksUpdate,
  CommandQueue,
  NO_COMMIT,
  type Pending,
  type Reply,
  refuseAll,
  type Timing,
} from './queue.ts';
import { Replies, replyTo, turn } from './replies.ts';
import type { Circumstances } from './rules/decision.ts';
import { isDue, isOfferOver } from './rules/offer.ts';
import type { EventState, EventView } from './state.ts';

const pendingOf = (decided: readonly Decided[]): Pending[] => decided.map(({ pending }) => pending);

/**
 * Carries out an event's commands in order, with group commit: one transaction is in flight, and the
 * commands that arrive meanwhile are decided together and share the next one. Each reply, also a refusal,
 * leaves after the commit that it rests on. Memory holds committed state only.
 */
export class Sequencer {
  readonly #ports: Ports;
  readonly #memory: Memory;
  readonly #queue: CommandQueue;
  readonly #replies = new Replies();
  readonly #keys: Keys;
  /** Updates whose seats are still being given, oldest first. */
  #open: readonly OpenUpdate[] = [];
  #isRunning = false;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.#queue = new CommandQueue(ports.now);
    this.#keys = new Keys(ports.now);
    this.#memory = new Memory(ports);
  }

  /** The event as committed, as far as it is in memory. */
  get state(): (EventView & { readonly version: number }) | null {
    return this.#memory.state;
  }

  /** Answers a question at once, from committed state; null while the event is not in memory. */
  answerNow(question: Question): Outcome | null {
    const { state } = this.#memory;
    return state && decide(state, question, this.#circumstances()).outcome;
  }

  /** Commands that wait to be decided. */
  get queueLength(): number {
    return this.#queue.length;
  }

  /** Whether the event was found not to exist within the last `ABSENCE_MEMORY_MS`. */
  get isAbsent(): boolean {
    return this.#memory.isAbsent;
  }

  /** Whether the user has a committed place in the event; false while the event is not in memory. */
  knows(userId: string): boolean {
    const { state } = this.#memory;
    if (!state) return false;
    return !!(state.registrationOf(userId) ?? state.offerOf(userId) ?? state.entryOf(userId));
  }

  /** Starts to load the event before the command comes. */
  warmUp(): void {
    // The command awaits the same load, and its reply tells of a failure.
    this.#memory.load().catch(() => {});
  }

  /**
   * Answers a command. Questions about a loaded event are answered at once, from committed state, unless an offer
   * is over: it is ended first.
   *
   * @param expiresAt epoch milliseconds from which on the command is refused rather than decided
   * @param actor who asks, as the log tells it
   */
  async submit(
    command: Command,
    expiresAt: number,
    key?: IdempotencyKey,
    actor: string | null = null,
  ): Promise<Reply> {
    const { state } = this.#memory;
    if (isQuestion(command) && state && !isOfferOver(state, this.#ports.now())) {
      return decide(state, command, this.#circumstances()).outcome;
    }
    if (command.type !== 'create' && this.isAbsent) {
      return { type: 'refused', reason: 'no-such-event' };
    }
    const enqueue = () => this.#enqueue(command, expiresAt, key, actor);
    if (!key) return enqueue();
    return this.#keys.replayOf(key, command) ?? this.#keys.hold(key, enqueue);
  }

  /**
   * Carries out a bulk request. Its key is used up before the first command, so that the same key with a
   * different request changes nothing.
   *
   * @param carryOut submits the commands; it runs only if the event exists and the key is new or a repetition's
   * @returns the replies of `carryOut`, or the reason why it did not run
   */
  async submitAll(
    expiresAt: number,
    key: IdempotencyKey | undefined,
    carryOut: () => Promise<Reply[]>,
  ): Promise<Reply | Reply[]> {
    const begin = async () => {
      const claim: Command = { type: 'claim' };
      const first = key
        ? (this.#keys.replayOf(key, claim) ?? (await this.#enqueue(claim, expiresAt, key)))
        : await this.submit({ type: 'read' }, expiresAt);
      return first.type === 'claimed' || first.type === 'read' ? carryOut() : first;
    };
    return key ? this.#keys.hold(key, begin) : begin();
  }

  #enqueue(
    command: Command,
    expiresAt: number,
    key?: IdempotencyKey,
    actor: string | null = null,
  ): Promise<Reply> {
    if (this.#queue.isFull && !isOwn(command))
      return Promise.resolve({ type: 'unavailable', reason: 'busy' });
    return new Promise((settle) => {
      this.#queue.add({ command, key, actor, askedAt: this.#ports.now(), expiresAt, settle });
      void this.#run();
    });
  }

  #circumstances(): Circumstances {
    return { now: new Date(this.#ports.now()).toISOString(), newId: this.#ports.newId };
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      let isBehind = false;
      while (this.#queue.length > 0 || isBehind || this.#open.length > 0) {
        const step = this.#step();
        // Send the next commit first: replies trigger new requests, whose work would delay it.
        if (!this.#replies.isEmpty) {
          await turn();
          await this.#replies.leave();
        }
        // One step gives only so many seats, and ends so many offers: go on while there is more.
        isBehind = (await step) && this.#isDue();
        if (this.#queue.length >= EAGER_COMMIT_MIN_COMMANDS) continue;
        await this.#replies.leave();
        // Wait one turn: requests that these replies trigger arrive in it and share the next commit.
        // A command for an idle event does not wait here.
        await turn();
      }
    } finally {
      this.#isRunning = false;
      this.#queue.rest();
    }
  }

  /** Whether the clock has something to do now, as far as is known. */
  #isDue(): boolean {
    const { state } = this.#memory;
    return state !== null && isDue(state, this.#ports.now());
  }

  /**
   * Loads the event if need be, decides a batch, commits it, and prepares the replies.
   *
   * @returns whether something more may be due
   */
  async #step(): Promise<boolean> {
    let state: EventState;
    try {
      state = await this.#memory.load();
    } catch (error) {
      const reason = error instanceof NotAdoptedError ? 'notAdopted' : 'unreachable';
      refuseAll(this.#queue.take(this.#queue.length), reason);
      this.#giveUpOpen();
      return false;
    }
    const { trace } = this.#ports;
    const batch = trace ? trace('decide', () => this.#decide(state)) : this.#decide(state);
    if (batch === null) return false;
    try {
      const next = advance(this.#open, batch);
      const commit = commitBatch(this.#ports, this.#memory, state, batch);
      return await this.#conclude(batch.decided, next, commit);
    } catch (error) {
      // The commit may have been applied, and memory may be wrong: drop it.
      this.#memory.forget({ inDoubt: true });
      this.#logDefect(error);
      this.#giveUpOpen();
      refuseAll(pendingOf(batch.decided), 'uncertain');
      return false;
    }
  }

  /**
   * Decides the next batch, and takes its commands out of the queue.
   *
   * @returns null when a decision threw an error: that command is refused, the others stay in the queue
   */
  #decide(state: EventState): Batch | null {
    if (this.#open.length >= OPEN_UPDATES_MAX) refuseAll(this.#queue.takeWhile(asksUpdate), 'busy');
    const batch = decideBatch(state, this.#queue.next(), this.#circumstances());
    if (batch.defect) {
      const { pending, error } = batch.defect;
      this.#logDefect(error);
      this.#queue.remove(pending);
      refuseAll([pending], 'defect');
      this.#memory.forget({ inDoubt: false });
      return null;
    }
    this.#queue.take(batch.decided.length + batch.expired.length);
    refuseAll(batch.expired, 'expired');
    return batch;
  }

  /**
   * Waits for the commit of a batch, and replies to its commands by the result.
   *
   * @param next what becomes of open updates if it is committed
   * @returns whether something more may be due
   */
  async #conclude(
    decided: Decided[],
    next: Advance,
    commit: Promise<Conclusion>,
  ): Promise<boolean> {
    const sentAt = this.#ports.now();
    const result = await commit;
    const { attempts = 0, items } = result;
    const commitMs = this.#ports.now() - sentAt;
    const timing = ({ askedAt }: Pending): Timing => ({
      queueMs: sentAt - askedAt,
      ...(attempts > 0 ? { commitMs, batch: items, attempts } : NO_COMMIT),
    });
    switch (result.type) {
      case 'committed':
        this.#open = next.open.map((one) => withReceipt(one, result.receipt));
        for (const one of [...decided.filter((each) => !isUpdate(each)), ...next.done]) {
          if (one.record) this.#keys.remember(one.record);
          const { receipt } = withReceipt(one, result.receipt);
          this.#replies.add(one.pending, replyTo(one, receipt, timing));
        }
        return attempts > 0;
      case 'replayed': {
        // Nothing was applied. Commands with a used key are answered; the others are decided again.
        const others: Pending[] = [];
        for (const pending of pendingOf(decided)) {
          const record = pending.key && result.records.get(pending.key.id);
          if (pending.key && record) {
            this.#keys.remember(record);
            const reply = replay(record, pending.key, pending.command);
            pending.settle({ ...reply, timing: timing(pending) });
          } else {
            others.push(pending);
          }
        }
        this.#queue.putBack(others, timing);
        return true;
      }
      default:
        this.#giveUpOpen();
        logFailedCommit(this.#ports, result, decided.length, this.#memory.state?.version ?? 0);
        if (result.type !== 'unapplied') {
          this.#memory.forget({ inDoubt: result.type === 'uncertain' });
        }
        if (result.type === 'fenced') this.#queue.putBack(pendingOf(decided), timing);
        else refuseAll(pendingOf(decided), result.type, timing);
        return false;
    }
  }

  /** Answers open updates: they were committed, and what becomes of their seats is not followed any more. */
  #giveUpOpen(): void {
    refuseAll(pendingOf(this.#open), 'uncertain');
    this.#open = [];
  }

  #logDefect(error: unknown): void {
    this.#ports.log('defect', { error: String(error), stack: (error as Error).stack });
  }
}
