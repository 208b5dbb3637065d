import { EAGER_COMMIT_MIN_COMMANDS, REPLIES_PER_TURN, TRANSACTION_MAX_ACTIONS } from '../limits.ts';
import type { CommitResult, Effort } from '../store/commit.ts';
import { type Command, isQuestion, type Outcome } from './command.ts';
import { type Circumstances, decide } from './decide.ts';
import { Draft, totalsOf } from './draft.ts';
import { type IdempotencyKey, replay, toKeyRecord } from './idempotency.ts';
import { CommandQueue, NO_COMMIT, type Reply, refuse, type Took, type Waiting } from './queue.ts';
import type { Change, EventState, EventView } from './state.ts';

/** What the sequencer needs of the world. */
export interface SequencerDeps {
  /** Loads the event, after winning the fence where asked. Throws when the tables do not answer. */
  load(options: { fence: boolean }): Promise<EventState>;
  /** Makes a batch durable on top of a version, and tells what became of it. Throws on a defect. */
  commit(version: number, draft: Draft): Promise<CommitResult & Partial<Effort>>;
  /** Epoch milliseconds. */
  now(): number;
  newId(): string;
  /** Told of whatever an operator may want to know. */
  log(problem: string, details: Record<string, unknown>): void;
  /** Runs a step of the work where a trace shows it. */
  trace?<T>(step: string, work: () => T): T;
}

/** A command that was decided, and its reply, which waits for the commit. */
interface Decided {
  waiting: Waiting;
  outcome: Outcome;
  changes: Change[];
}

const waitingOf = (batch: Decided[]): Waiting[] => batch.map(({ waiting }) => waiting);

/** Lets whatever else is ready run first: other requests, and what a call has still to send. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Room for rows and keys beside the event item. */
const MAX_ITEMS = TRANSACTION_MAX_ACTIONS - 1;

/** How often a load is begun again because somebody else wrote the event meanwhile. */
const MAX_SETTLE_ATTEMPTS = 5;

/**
 * Carries out an event's commands one after the other, with group commit: one transaction in flight,
 * and what arrives meanwhile is decided together and forms the next. Replies leave after the commit
 * that they rest on, refusals too. Memory holds committed state only.
 */
export class Sequencer {
  readonly #deps: SequencerDeps;
  #state: EventState | null = null;
  #loading: Promise<EventState> | null = null;
  /** A transaction of ours may still be applied: the fence has to be won before the next load. */
  #isInDoubt = false;
  readonly #queue: CommandQueue;
  readonly #keysAtWork = new Set<string>();
  /** Replies whose commit is durable, in order; they have not left yet. */
  readonly #due: { waiting: Waiting; reply: Reply }[] = [];
  #isRunning = false;

  constructor(deps: SequencerDeps) {
    this.#deps = deps;
    this.#queue = new CommandQueue(deps.now);
  }

  /** Commands that wait to be decided. */
  get queueLength(): number {
    return this.#queue.length;
  }

  /** Whether the user has a place in the event, as far as is committed and in memory. */
  knows(userId: string): boolean {
    const state = this.#state;
    return state !== null && !!(state.registrationOf(userId) ?? state.entryOf(userId));
  }

  /** Starts to load, so that it is done when the command comes. */
  warmUp(): void {
    // Whoever submits the command awaits the same load, and is told of its failure.
    this.#load().catch(() => {});
  }

  /**
   * Answers a command. Questions about a loaded event are answered at once, from committed state.
   *
   * @param expiresAt epoch milliseconds after which the command is refused rather than decided
   */
  async submit(command: Command, expiresAt: number, key?: IdempotencyKey): Promise<Reply> {
    if (isQuestion(command) && this.#state) {
      return decide(this.#state, command, this.#circumstances()).outcome;
    }
    if (this.#queue.isFull) return { type: 'unavailable', reason: 'busy' };
    if (key && this.#keysAtWork.has(key.id)) return { type: 'keyRefused', reason: 'in-flight' };
    if (key) this.#keysAtWork.add(key.id);
    const reply = await new Promise<Reply>((settle) => {
      this.#queue.add({ command, key, askedAt: this.#deps.now(), expiresAt, settle });
      void this.#run();
    });
    if (key) this.#keysAtWork.delete(key.id);
    return reply;
  }

  #circumstances(): Circumstances {
    return { now: new Date(this.#deps.now()).toISOString(), newId: this.#deps.newId };
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#queue.length > 0) {
        const step = this.#step();
        // The work that replies call forth would hold up the commit, were they to leave before it has.
        if (this.#due.length > 0) {
          await turn();
          await this.#answer();
        }
        await step;
        if (this.#queue.length >= EAGER_COMMIT_MIN_COMMANDS) continue;
        await this.#answer();
        // Each request reaches the object in a turn of its own. One turn lets those in that these
        // replies have called forth, so that they share a commit; an idle event never waits for it.
        await turn();
      }
    } finally {
      this.#isRunning = false;
      this.#queue.rest();
    }
  }

  /** Lets due replies leave, a few each turn: a commit that is under way has its turns in between. */
  async #answer(): Promise<void> {
    while (this.#due.length > 0) {
      for (const { waiting, reply } of this.#due.splice(0, REPLIES_PER_TURN)) waiting.settle(reply);
      if (this.#due.length > 0) await turn();
    }
  }

  /** Loads when cold, decides a batch, commits it, and replies. */
  async #step(): Promise<void> {
    let state: EventState;
    try {
      state = await this.#load();
    } catch {
      refuse(this.#queue.take(this.#queue.length), 'unreachable');
      return;
    }
    let batch: Decided[] = [];
    try {
      const draft = new Draft(state);
      const { trace } = this.#deps;
      batch = trace ? trace('decide', () => this.#decideBatch(draft)) : this.#decideBatch(draft);
      if (batch.length === 0) {
        batch = this.#decideLarge(state);
        const changes = batch.flatMap(({ changes }) => changes);
        await this.#conclude(state, batch, changes.length, this.#commitInParts(state, changes));
      } else {
        await this.#conclude(state, batch, draft.itemCount, this.#commitDraft(state, draft));
      }
    } catch (error) {
      // A defect. What it left behind is unknown, so nothing of it is trusted.
      this.#forget({ inDoubt: true });
      this.#deps.log('defect', { error: String(error), stack: (error as Error).stack });
      refuse(waitingOf(batch), 'uncertain');
    }
  }

  /** Decides commands in order of arrival until the next one would not fit into the transaction. */
  #decideBatch(draft: Draft): Decided[] {
    const circumstances = this.#circumstances();
    const now = this.#deps.now();
    const batch: Decided[] = [];
    for (const waiting of this.#queue) {
      const { changes, outcome, mustCommit } = decide(draft, waiting.command, circumstances);
      const { key } = waiting;
      // Without an event there is nothing that a key could be written together with.
      const isKept = key !== undefined && (draft.event !== null || changes.length > 0);
      if (draft.itemCountWith(changes) + (isKept ? 1 : 0) > MAX_ITEMS) break;
      draft.apply(changes);
      if (mustCommit) draft.mustCommit = true;
      if (isKept) draft.keys.push(toKeyRecord(key, outcome, now));
      batch.push({ waiting, outcome, changes });
    }
    this.#queue.take(batch.length);
    return batch;
  }

  /** Decides the first command, whose changes are more than one transaction takes. */
  #decideLarge(state: EventState): Decided[] {
    return this.#queue.take(1).map((waiting) => {
      const { changes, outcome } = decide(state, waiting.command, this.#circumstances());
      return { waiting, outcome, changes };
    });
  }

  async #commitDraft(state: EventState, draft: Draft): Promise<CommitResult> {
    if (draft.isEmpty) return { type: 'committed', attempts: 0 };
    const result = await this.#deps.commit(state.version, draft);
    if (result.type === 'committed') state.applyCommit(draft.changes, state.version + 1);
    return result;
  }

  /**
   * Commits what is more than one transaction takes. Memory changes at the end, so nobody sees a
   * part. Should it be cut short, the event item is ahead of the line, and the next load goes on.
   */
  async #commitInParts(state: EventState, changes: Change[]): Promise<CommitResult> {
    let { version } = state;
    let view: EventView = state;
    for (let rest = changes; rest.length > 0; version++) {
      const draft = new Draft(view);
      let taken = 0;
      for (const change of rest) {
        if (draft.itemCountWith([change]) > MAX_ITEMS) break;
        draft.apply([change]);
        taken++;
      }
      rest = rest.slice(taken);
      const result = await this.#deps.commit(version, draft);
      if (result.type !== 'committed') {
        const isFirst = version === state.version;
        return isFirst ? result : { type: 'uncertain', cause: new Error('a part was committed') };
      }
      view = totalsOf(draft);
    }
    state.applyCommit(changes, version);
    return { type: 'committed', attempts: 1 };
  }

  /** Waits for a commit of so many rows and keys, and tells those who wait for it. */
  async #conclude(
    state: EventState,
    batch: Decided[],
    size: number,
    commit: Promise<CommitResult & Partial<Effort>>,
  ): Promise<void> {
    const sentAt = this.#deps.now();
    const result = await commit;
    const { attempts = 0 } = result;
    const commitMs = this.#deps.now() - sentAt;
    const took = ({ askedAt }: Waiting): Took => ({
      queueMs: sentAt - askedAt,
      ...(attempts > 0 ? { commitMs, batch: size, attempts } : NO_COMMIT),
    });
    switch (result.type) {
      case 'committed':
        // Nothing is gained by remembering that an event does not exist.
        if (!state.event) this.#forget({ inDoubt: false });
        for (const { waiting, outcome } of batch) {
          const isAnswer = isQuestion(waiting.command);
          const reply: Reply = isAnswer ? outcome : { ...outcome, took: took(waiting) };
          this.#due.push({ waiting, reply });
        }
        return;
      case 'replayed': {
        // Nothing was applied. Whose key was used is answered; the others are decided anew.
        const others: Waiting[] = [];
        for (const { waiting } of batch) {
          const record = waiting.key && result.records.get(waiting.key.id);
          if (waiting.key && record) {
            waiting.settle({ ...replay<Outcome>(record, waiting.key), took: took(waiting) });
          } else {
            others.push(waiting);
          }
        }
        this.#queue.putBack(others);
        return;
      }
      case 'fenced':
        this.#deps.log('fence lost', {
          version: state.version,
          commands: batch.length,
          done: 'loads again, and decides them anew',
        });
        this.#forget({ inDoubt: false });
        this.#queue.putBack(waitingOf(batch));
        return;
      case 'unapplied':
        this.#deps.log('commit unapplied', {
          cause: result.cause.message,
          commands: batch.length,
          done: 'refused them with 503: nothing was changed',
        });
        refuse(waitingOf(batch), 'unapplied', took);
        return;
      case 'uncertain':
        this.#deps.log('commit uncertain', {
          cause: result.cause.message,
          commands: batch.length,
          done: 'told them that it is uncertain; wins the fence before it reads again',
        });
        this.#forget({ inDoubt: true });
        refuse(waitingOf(batch), 'uncertain', took);
        return;
    }
  }

  /** Everybody who needs the state shares one load; a failed one is not kept. */
  #load(): Promise<EventState> {
    if (this.#state) return Promise.resolve(this.#state);
    this.#loading ??= this.#loadSettled()
      .then(
        (state) => {
          this.#state = state;
          return state;
        },
        (error: unknown) => {
          this.#deps.log('load failed', {
            error: String(error),
            done: 'refused whoever waits with 503',
          });
          throw error;
        },
      )
      .finally(() => {
        this.#loading = null;
      });
    return this.#loading;
  }

  /** Loads, and first finishes what an interrupted change left undone: nobody sees a part of it. */
  async #loadSettled(): Promise<EventState> {
    for (let attempt = 0; attempt < MAX_SETTLE_ATTEMPTS; attempt++) {
      const state = await this.#deps.load({ fence: this.#isInDoubt });
      this.#isInDoubt = false;
      const { changes } = decide(state, { type: 'promote' }, this.#circumstances());
      if (changes.length === 0) return state;
      this.#deps.log('promotions resumed', { count: changes.length });
      const result = await this.#commitInParts(state, changes);
      if (result.type === 'committed') return state;
      if (result.type === 'unapplied') throw result.cause;
      if (result.type === 'uncertain') this.#isInDoubt = true;
    }
    throw new Error('the event is written by others all the time');
  }

  #forget({ inDoubt }: { inDoubt: boolean }): void {
    this.#state = null;
    this.#isInDoubt ||= inDoubt;
  }
}
