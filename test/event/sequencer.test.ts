import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import type { ChangeSet } from '../../src/event/change-set.ts';
import type { Command } from '../../src/event/command.ts';
import { decide } from '../../src/event/decide.ts';
import type { CommitResult } from '../../src/event/ports.ts';
import type { Reply } from '../../src/event/queue.ts';
import { Sequencer } from '../../src/event/sequencer.ts';
import { toCapacity } from '../../src/event/shown.ts';
import { EventState } from '../../src/event/state.ts';
import {
  ABSENCE_MEMORY_MS,
  EAGER_COMMIT_MIN_COMMANDS,
  IDEMPOTENCY_TTL_SECONDS,
  OPEN_UPDATES_MAX,
  QUEUE_MAX_COMMANDS,
  QUEUE_SWEEP_MS,
  QUEUE_WAIT_MS,
  REPLIES_PER_TURN,
  STEP_MAX_SEATS,
  TRANSACTION_MAX_ACTIONS,
} from '../../src/limits.ts';
import { StoreUnavailableError } from '../../src/store/client.ts';
import { counterIds, eventOf, NOW } from '../support/model.ts';

const UNREACHABLE = new StoreUnavailableError('gone', true);

/** A sequencer whose ports the test answers. */
function open(capacity = 10) {
  const base = new EventState();
  const event = { ...eventOf(capacity), status: 'OPEN' as const, createdAt: NOW };
  base.applyCommit([{ type: 'created', event }], 1);
  const loads: { fence: boolean }[] = [];
  const logs: Record<string, unknown>[] = [];
  const commits: { draft: ChangeSet; answer: (result: CommitResult) => void; fail: () => void }[] =
    [];
  let loadAnswer: () => Promise<EventState> = async () => base;
  const sequencer = new Sequencer({
    load: (options) => {
      loads.push(options);
      return loadAnswer();
    },
    commit: (_, draft) =>
      new Promise((answer, reject) => {
        commits.push({ draft, answer, fail: () => reject(new Error('defect')) });
      }),
    now: () => Date.now(),
    newId: counterIds(),
    hash: hexDigestOf,
    logDays: 0,
    endpoints: [],
    log: (problem, details) => logs.push({ problem, ...details }),
  });
  const register = (userId: string) =>
    sequencer.submit({ type: 'register', userId }, Date.now() + QUEUE_WAIT_MS);
  return {
    sequencer,
    register,
    loads,
    logs,
    commits,
    setLoad: (answer: () => Promise<EventState>) => {
      loadAnswer = answer;
    },
  };
}

/** Lets everything that is ready run. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** The same for the replies of a full batch: they leave in turns, and each turn takes a millisecond of the fake clock. */
const settleAll = () =>
  vi.advanceTimersByTimeAsync(Math.ceil(TRANSACTION_MAX_ACTIONS / REPLIES_PER_TURN) + 1);

describe('the sequencer', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A commit in flight for so many commands, and as many commands in the queue for the next one. */
  async function crowd(waiting: number) {
    const opened = open(1_000);
    const first = opened.register('first');
    await settle();
    const answered: string[] = [];
    const replies = Array.from({ length: waiting }, async (_, i) => {
      const reply = await opened.register(`u${i}`);
      answered.push(`u${i}`);
      return reply;
    });
    await settle();
    return { ...opened, first, answered, replies };
  }

  test('with many commands in the queue, the next commit is sent before the replies of the last', async () => {
    const { commits, first } = await crowd(EAGER_COMMIT_MIN_COMMANDS);
    let isAnswered = false;
    void first.then(() => {
      isAnswered = true;
    });
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await Promise.resolve();
    for (let i = 0; i < 20 && commits.length < 2; i++) await Promise.resolve();
    expect([commits.length, isAnswered]).toEqual([2, false]);
    await settle();
    expect(isAnswered).toBe(true);
  });

  test('with few, the replies leave first, and the commands that they trigger share the commit', async () => {
    const { commits, first, register } = await crowd(EAGER_COMMIT_MIN_COMMANDS - 1);
    void first.then(() => register('called forth'));
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(commits[1]?.draft.changes.length).toBe(EAGER_COMMIT_MIN_COMMANDS);
  });

  test('replies leave in order, a few each turn, and none before its commit', async () => {
    const { commits, answered, replies } = await crowd(2 * REPLIES_PER_TURN + 1);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settleAll();
    expect(answered).toEqual([]);
    commits[1]?.answer({ type: 'committed', attempts: 1 });
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(answered.length).toBe(REPLIES_PER_TURN);
    await settleAll();
    expect(answered).toEqual(replies.map((_, i) => `u${i}`));
  });

  test('a reply tells of the commit that it rests on, and of no other', async () => {
    const { commits, first, replies } = await crowd(EAGER_COMMIT_MIN_COMMANDS);
    await vi.advanceTimersByTimeAsync(30);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    await vi.advanceTimersByTimeAsync(50);
    commits[1]?.answer({ type: 'committed', attempts: 2 });
    expect((await first).timing).toEqual({ queueMs: 0, commitMs: 30, batch: 1, attempts: 1 });
    const second = { queueMs: 30, commitMs: 50, batch: EAGER_COMMIT_MIN_COMMANDS, attempts: 2 };
    expect((await replies[0])?.timing).toEqual(second);
  });

  test('one commit is in flight, and the commands that arrive meanwhile share the next', async () => {
    const { register, commits } = open();
    const first = register('a');
    await settle();
    const rest = ['b', 'c', 'd'].map(register);
    await settle();
    expect(commits.length).toBe(1);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(commits.length).toBe(2);
    expect(commits[1]?.draft.changes.length).toBe(3);
    commits[1]?.answer({ type: 'committed', attempts: 1 });
    const replies = await Promise.all([first, ...rest]);
    expect(replies.every(({ type }) => type === 'registered')).toBe(true);
  });

  test('a refusal that rests on a seat still in flight waits for its commit', async () => {
    const { register, commits } = open(1);
    const replies: string[] = [];
    void register('a').then(({ type }) => replies.push(type));
    await settle();
    void register('a').then(({ type }) => replies.push(type));
    await settle();
    expect(replies).toEqual([]);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(replies).toEqual(['registered', 'refused']);
    // The refusal changed nothing, so nothing was committed for it.
    expect(commits.length).toBe(1);
  });

  test('a read is answered at once, with committed state only', async () => {
    const { sequencer, register, commits } = open();
    void register('a');
    await settle();
    const read = () => sequencer.submit({ type: 'read' }, Date.now() + QUEUE_WAIT_MS);
    expect(await read()).toMatchObject({ type: 'read', registeredCount: 0 });
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(await read()).toMatchObject({ type: 'read', registeredCount: 1 });
  });

  /** An event whose only seat is offered to the first of these for so long; the others wait. */
  const OFFER_MS = 30_000;
  async function openOffer(...waiting: string[]) {
    vi.setSystemTime(NOW);
    const opened = open(1);
    const state = new EventState();
    const newId = counterIds(1_000);
    const run = (command: Command) => {
      const { changes } = decide(state, command, { now: NOW, newId });
      state.applyCommit(changes, state.version + 1);
    };
    run({ type: 'create', event: { ...eventOf(1), offerSeconds: OFFER_MS / 1_000 } });
    for (const userId of ['seated', ...waiting]) run({ type: 'register', userId });
    run({ type: 'unregister', userId: 'seated' });
    opened.setLoad(async () => state);
    const ask = (command: Command) => opened.sequencer.submit(command, Date.now() + QUEUE_WAIT_MS);
    await ask({ type: 'read' });
    await settle();
    return { ...opened, ask, state };
  }

  test('a question that finds something due waits until it is done, and no other does', async () => {
    const { ask, commits } = await openOffer('a', 'b');
    const stand = (userId: string) => ask({ type: 'stand', userId });
    vi.setSystemTime(Date.parse(NOW) + OFFER_MS - 1);
    expect(await stand('a')).toMatchObject({ offer: { userId: 'a' } });
    expect(commits).toEqual([]);
    vi.setSystemTime(Date.parse(NOW) + OFFER_MS);
    const answers = Promise.all([stand('a'), stand('b')]);
    await settle();
    expect(commits[0]?.draft.changes.map(({ type }) => type)).toEqual(['offerExpired', 'offered']);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(await answers).toMatchObject([{ offer: null }, { offer: { userId: 'b' } }]);
    expect(commits.length).toBe(1);
  });

  test('an expiry does what is due once, and nothing otherwise', async () => {
    const { ask, commits } = await openOffer('a', 'b');
    expect(await ask({ type: 'expire' })).toMatchObject({ type: 'expired' });
    expect(commits).toEqual([]);
    await settle();
    vi.setSystemTime(Date.parse(NOW) + OFFER_MS);
    const both = Promise.all([ask({ type: 'expire' }), ask({ type: 'expire' })]);
    await settle();
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect((await both).map(({ type }) => type)).toEqual(['expired', 'expired']);
    expect(commits.length).toBe(1);
  });

  test('a batch is cut between commands, at what a transaction takes', async () => {
    const { register, commits } = open(1_000);
    void register('first');
    await settleAll();
    const all = Array.from({ length: 150 }, (_, i) => register(`u${i}`));
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settleAll();
    expect(commits[1]?.draft.itemCount).toBe(98);
    commits[1]?.answer({ type: 'committed', attempts: 1 });
    await settleAll();
    expect(commits[2]?.draft.itemCount).toBe(52);
    commits[2]?.answer({ type: 'committed', attempts: 1 });
    await settleAll();
    expect((await Promise.all(all)).every(({ type }) => type === 'registered')).toBe(true);
  });

  test('a command that would not fit waits whole for the next batch', async () => {
    // Leaving promotes: three rows a command, so 98 rows would cut the 33rd in two.
    const { sequencer, register, commits } = open(40);
    const flush = async (from: number) => {
      for (let i = from; i < commits.length; i++) {
        commits[i]?.answer({ type: 'committed', attempts: 1 });
        await settleAll();
      }
    };
    for (let i = 0; i < 80; i++) void register(`u${i}`);
    await settleAll();
    await flush(0);
    const seen = commits.length;
    void register('one-more');
    await settleAll();
    for (let i = 0; i < 40; i++) {
      void sequencer.submit({ type: 'unregister', userId: `u${i}` }, Date.now() + QUEUE_WAIT_MS);
    }
    commits[seen]?.answer({ type: 'committed', attempts: 1 });
    await settleAll();
    const leaves = commits[seen + 1]?.draft;
    expect(leaves?.itemCount).toBe(96);
    expect(leaves?.changes.filter(({ type }) => type === 'unregistered').length).toBe(32);
  });

  test('past the bound of the queue a caller is refused at once, and those before it are served', async () => {
    const { register, commits } = open(100_000);
    void register('first');
    await settleAll();
    const accepted = Array.from({ length: QUEUE_MAX_COMMANDS }, (_, i) => register(`u${i}`));
    expect(await register('late')).toEqual({ type: 'unavailable', reason: 'busy' });
    for (let i = 0; i < commits.length; i++) {
      commits[i]?.answer({ type: 'committed', attempts: 1 });
      await settleAll();
    }
    const replies = await Promise.all(accepted);
    expect(replies.every(({ type }) => type === 'registered')).toBe(true);
  });

  test('a command that has waited too long is refused, and not carried out later', async () => {
    const { register, commits } = open();
    void register('slow');
    await settle();
    const waiting = register('waiting');
    await vi.advanceTimersByTimeAsync(QUEUE_WAIT_MS + QUEUE_SWEEP_MS);
    expect(await waiting).toEqual({ type: 'unavailable', reason: 'expired' });
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(commits.length).toBe(1);
  });

  test('a lost fence drops the memory, and the commands are decided again', async () => {
    const { register, loads, logs, commits, setLoad } = open(1);
    const reply = register('a');
    await settle();
    const other = new EventState();
    const event = { ...eventOf(1), status: 'OPEN' as const, createdAt: NOW };
    const registration = {
      registrationId: '00000000-0000-4000-8000-ffffffffffff',
      userId: 'other',
      eventId: 'e',
      status: 'ACTIVE' as const,
      createdAt: NOW,
      seq: 1,
    };
    other.applyCommit(
      [
        { type: 'created', event },
        { type: 'registered', registration },
      ],
      1,
    );
    setLoad(async () => other);
    commits[0]?.answer({ type: 'fenced' });
    await settle();
    expect(loads).toEqual([{ fence: false }, { fence: false }]);
    expect(logs).toMatchObject([{ problem: 'fence lost', version: 1, commands: 1 }]);
    commits[1]?.answer({ type: 'committed', attempts: 1 });
    expect(await reply).toMatchObject({ type: 'waitlisted', entry: { position: 1 } });
  });

  test('after an uncertain commit the fence is won before anything is read again', async () => {
    const { register, loads, commits } = open();
    const reply = register('a');
    await settle();
    commits[0]?.answer({ type: 'uncertain', cause: UNREACHABLE });
    expect(await reply).toEqual({
      type: 'unavailable',
      reason: 'uncertain',
      timing: expect.any(Object),
    });
    void register('b');
    await settle();
    expect(loads).toEqual([{ fence: false }, { fence: true }]);
  });

  test('the fence must still be won after a load that failed', async () => {
    const { register, loads, commits, setLoad } = open();
    void register('a');
    await settle();
    commits[0]?.answer({ type: 'uncertain', cause: UNREACHABLE });
    setLoad(() => Promise.reject(UNREACHABLE));
    const refused = register('b');
    await settle();
    expect(await refused).toEqual({ type: 'unavailable', reason: 'unreachable' });
    void register('c');
    await settle();
    expect(loads.at(-1)).toEqual({ fence: true });
  });

  test('callers are told of a commit that DynamoDB was too busy for, and the memory is kept', async () => {
    const { register, loads, commits } = open();
    const reply = register('a');
    await settle();
    commits[0]?.answer({ type: 'unapplied', cause: new StoreUnavailableError('busy', false) });
    expect(await reply).toEqual({
      type: 'unavailable',
      reason: 'unapplied',
      timing: expect.any(Object),
    });
    const again = register('a');
    await settle();
    commits[1]?.answer({ type: 'committed', attempts: 1 });
    expect((await again).type).toBe('registered');
    expect(loads.length).toBe(1);
  });

  test('a defect leaves nothing stuck: its callers are told, and the next load wins the fence', async () => {
    const { register, loads, commits } = open();
    const reply = register('a');
    await settle();
    commits[0]?.fail();
    expect(await reply).toEqual({
      type: 'unavailable',
      reason: 'uncertain',
    });
    void register('b');
    await settle();
    expect(loads).toEqual([{ fence: false }, { fence: true }]);
    expect(commits.length).toBe(2);
  });

  test('all commands share one load, and a failed load is not kept', async () => {
    const { register, loads, setLoad, commits } = open();
    setLoad(() => Promise.reject(UNREACHABLE));
    const replies = await Promise.all([register('a'), register('b')]);
    expect(replies.map(({ type }) => type)).toEqual(['unavailable', 'unavailable']);
    expect(loads.length).toBe(1);
    const good = new EventState();
    const event = { ...eventOf(1), status: 'OPEN' as const, createdAt: NOW };
    good.applyCommit([{ type: 'created', event }], 1);
    setLoad(async () => good);
    const reply = register('a');
    await settle();
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    expect((await reply).type).toBe('registered');
  });

  /** An event of one seat with these in line, in memory as the tables would give it. */
  function withLine(capacity: number, count: number): EventState {
    const state = new EventState();
    const event = { ...eventOf(1), status: 'OPEN' as const, createdAt: NOW };
    const newId = counterIds(1_000_000);
    const seat = {
      registrationId: newId(),
      userId: 'seated',
      eventId: 'e',
      status: 'ACTIVE' as const,
      createdAt: NOW,
      seq: 1,
    };
    const line = Array.from({ length: count }, (_, i) => ({
      entryId: newId(),
      userId: `w${i}`,
      eventId: 'e',
      position: i + 1,
      createdAt: NOW,
    }));
    state.applyCommit(
      [
        { type: 'created', event },
        { type: 'registered', registration: seat },
        ...line.map((entry) => ({ type: 'waitlisted' as const, entry })),
        { type: 'updated', event: { ...event, capacity } },
      ],
      7,
    );
    return state;
  }

  describe('a large raise', () => {
    const update = (capacity: number) =>
      [
        { type: 'update' as const, patch: { capacity }, revisions: null, isDryRun: false },
        Date.now() + QUEUE_WAIT_MS,
      ] as const;
    const promotionsOf = (commit?: { draft: ChangeSet }) =>
      commit?.draft.changes.filter(({ type }) => type === 'promoted').length ?? 0;
    /** An event with one seat and so many who wait, and the answers of its commits. */
    function withWaiting(count: number) {
      const opened = open();
      opened.setLoad(async () => withLine(1, count));
      const { commits, sequencer } = opened;
      const commitAll = async (from: number) => {
        for (let i = from; i < commits.length; i++) {
          commits[i]?.answer({ type: 'committed', attempts: 1 });
          await settleAll();
        }
      };
      const read = async () => {
        const reply = await sequencer.submit({ type: 'read' }, Date.now() + QUEUE_WAIT_MS);
        return reply.type === 'read' ? reply : null;
      };
      return { ...opened, commitAll, read };
    }

    test('lets others in between its steps, and is answered with its last seat', async () => {
      const { sequencer, register, commits, commitAll, read } = withWaiting(120);
      let isAnswered = false;
      const reply = sequencer.submit(...update(121)).finally(() => {
        isAnswered = true;
      });
      await settleAll();
      expect(commits.map((each) => promotionsOf(each))).toEqual([48]);
      const late = register('late');
      const leaver = sequencer.submit({ type: 'unregister', userId: 'seated' }, Date.now() + 2_500);
      commits[0]?.answer({ type: 'committed', attempts: 1 });
      await settleAll();
      expect(isAnswered).toBe(false);
      // Whoever looks finds no seat that they could have.
      const between = await read();
      expect(between).toMatchObject({ registeredCount: 49, waitlistCount: 72, owedCount: 72 });
      expect(between && toCapacity(between).availableCapacity).toBe(0);
      expect(promotionsOf(commits[1])).toBe(STEP_MAX_SEATS + 1);
      commits[1]?.answer({ type: 'committed', attempts: 1 });
      expect(await late).toMatchObject({ type: 'waitlisted', entry: { position: 121 } });
      // The seat that was given up went to the next in line, and to none that the raise has to tell.
      expect(await leaver).toMatchObject({ promoted: { userId: `w${48 + STEP_MAX_SEATS}` } });
      await settleAll();
      expect(isAnswered).toBe(false);
      await commitAll(2);
      const promoted = Array.from({ length: 120 }, (_, i) => `w${i}`);
      promoted.splice(48 + STEP_MAX_SEATS, 1);
      const outcome = await reply;
      if (outcome.type !== 'updated') throw new Error(outcome.type);
      expect(outcome.promoted.map(({ userId }) => userId)).toEqual([...promoted, 'late']);
      expect(outcome.promotedCount).toBe(120);
      expect(await read()).toMatchObject({ registeredCount: 121, waitlistCount: 0, owedCount: 0 });
    });

    test('ends with fewer when the line has nobody left, or the event is cancelled', async () => {
      for (const [command, expected] of [
        [{ type: 'cancel' as const, revisions: null }, 48 + STEP_MAX_SEATS],
        [update(60)[0], 48 + STEP_MAX_SEATS],
      ] as const) {
        const { sequencer, commits, commitAll } = withWaiting(120);
        const reply = sequencer.submit(...update(121));
        await settleAll();
        const other = sequencer.submit(command, Date.now() + QUEUE_WAIT_MS);
        await commitAll(0);
        expect(await reply).toMatchObject({ type: 'updated', promotedCount: expected });
        expect((await other).type).toBe(command.type === 'cancel' ? 'cancelled' : 'updated');
        expect(commits.length).toBe(2);
      }
    });

    test('shares its seats with no other: those of the older raise are given first', async () => {
      const { sequencer, commits, commitAll } = withWaiting(200);
      const first = sequencer.submit(...update(101));
      await settleAll();
      const second = sequencer.submit(...update(181));
      await commitAll(0);
      const listed = async (reply: Promise<Reply>) => {
        const outcome = await reply;
        return outcome.type === 'updated' ? outcome.promoted.map(({ userId }) => userId) : [];
      };
      const people = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => `w${from + i}`);
      expect(await listed(first)).toEqual(people(0, 100));
      expect(await listed(second)).toEqual(people(100, 180));
      expect(commits.map((each) => promotionsOf(each)).reduce((a, b) => a + b)).toBe(180);
    });

    test('is refused while too many are open', async () => {
      const { sequencer, commits, commitAll } = withWaiting(2_000);
      const replies: Promise<Reply>[] = [];
      for (let i = 0; i <= OPEN_UPDATES_MAX; i++) {
        replies.push(sequencer.submit(...update(1_000 + i)));
      }
      const dry = sequencer.submit({ ...update(1_100)[0], isDryRun: true }, Date.now() + 2_500);
      await settleAll();
      for (let i = 0; commits.length > i; i++) {
        commits[i]?.answer({ type: 'committed', attempts: 1 });
        await settleAll();
        if (i === OPEN_UPDATES_MAX) {
          expect(await replies.at(-1)).toMatchObject({ type: 'unavailable', reason: 'busy' });
          expect(await dry).toMatchObject({ type: 'updated', promotedCount: 81 });
        }
      }
      await commitAll(commits.length);
      const counts = (await Promise.all(replies.slice(0, -1))).map((outcome) =>
        outcome.type === 'updated' ? outcome.promotedCount : outcome.type,
      );
      expect(counts).toEqual([999, ...Array(OPEN_UPDATES_MAX - 1).fill(1)]);
    });

    test('that is cut short is answered as uncertain, and goes on with whatever comes next', async () => {
      for (const result of [
        { type: 'fenced' as const },
        { type: 'unapplied' as const, cause: new Error('busy') },
        { type: 'uncertain' as const, cause: new Error('lost') },
      ]) {
        const { sequencer, register, commits, setLoad, logs } = withWaiting(120);
        const reply = sequencer.submit(...update(121));
        await settleAll();
        commits[0]?.answer({ type: 'committed', attempts: 1 });
        await settleAll();
        commits[1]?.answer(result);
        expect(await reply).toEqual({ type: 'unavailable', reason: 'uncertain' });
        // What the tables hold then: the capacity is raised, and some still wait.
        setLoad(async () => withLine(31, 40));
        const late = register('late');
        await settleAll();
        expect(logs.some(({ problem }) => problem === 'promotions resumed')).toBe(
          result.type !== 'unapplied',
        );
        expect(promotionsOf(commits[2])).toBe(result.type === 'unapplied' ? 32 : 30);
        commits[2]?.answer({ type: 'committed', attempts: 1 });
        expect((await late).type).toBe('waitlisted');
      }
    });

    test('goes on after a batch that a used key has cancelled', async () => {
      const { sequencer, commits, commitAll } = withWaiting(120);
      const reply = sequencer.submit(...update(121));
      await settleAll();
      const key = { id: 'key#1', fingerprint: 'f' };
      const keyed = sequencer.submit(
        { type: 'register', userId: 'keyed' },
        Date.now() + QUEUE_WAIT_MS,
        key,
      );
      commits[0]?.answer({ type: 'committed', attempts: 1 });
      await settleAll();
      const outcome = JSON.stringify({ type: 'refused', reason: 'full' });
      const expiresAt = Math.floor(Date.now() / 1_000) + 60;
      commits[1]?.answer({
        type: 'replayed',
        records: new Map([[key.id, { ...key, outcome, expiresAt, receipt: null }]]),
      });
      expect(await keyed).toMatchObject({ reason: 'full', isReplay: true });
      await settleAll();
      await commitAll(2);
      expect(await reply).toMatchObject({ promotedCount: 120, promoted: { length: 120 } });
    });
  });

  test('a key that was used answers its command, and leaves the others of the batch to the next', async () => {
    const { sequencer, register, commits } = open();
    void register('first');
    await settle();
    const key = { id: 'key#1', fingerprint: 'f' };
    const keyed = sequencer.submit(
      { type: 'register', userId: 'keyed' },
      Date.now() + QUEUE_WAIT_MS,
      key,
    );
    const other = register('other');
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(commits[1]?.draft.itemCount).toBe(3);
    const outcome = JSON.stringify({ type: 'refused', reason: 'full' });
    commits[1]?.answer({
      type: 'replayed',
      records: new Map([[key.id, { ...key, outcome, expiresAt: 0, receipt: null }]]),
    });
    expect(await keyed).toEqual({
      type: 'refused',
      reason: 'full',
      isReplay: true,
      timing: expect.any(Object),
    });
    await settle();
    expect(commits[2]?.draft.itemCount).toBe(1);
    commits[2]?.answer({ type: 'committed', attempts: 1 });
    expect((await other).type).toBe('registered');
  });

  test('an update that changes nothing is still committed behind the fence, a dry run is not', async () => {
    const { sequencer, commits } = open(10);
    const update = (isDryRun: boolean) =>
      sequencer.submit(
        { type: 'update', patch: { capacity: 10 }, revisions: null, isDryRun },
        Date.now() + QUEUE_WAIT_MS,
      );
    const reply = update(false);
    await settle();
    expect(commits.length).toBe(1);
    expect(commits[0]?.draft.itemCount).toBe(0);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    expect(await reply).toMatchObject({ type: 'updated', revision: 1 });
    await settle();
    const dry = update(true);
    await settle();
    expect(await dry).toMatchObject({ type: 'updated' });
    expect(commits.length).toBe(1);
  });

  test('keys count towards the size of a batch', async () => {
    const { sequencer, register, commits } = open(1_000);
    void register('first');
    await settle();
    for (let i = 0; i < 60; i++) {
      const key = { id: `key#${i}`, fingerprint: 'f' };
      const command = { type: 'register' as const, userId: `u${i}` };
      void sequencer.submit(command, Date.now() + QUEUE_WAIT_MS, key);
    }
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(commits[1]?.draft.itemCount).toBe(98);
  });

  const keyOf = (name: string) => ({ id: `key#${name}`, fingerprint: 'f' });
  const replayed = (...ids: string[]): CommitResult => ({
    type: 'replayed',
    records: new Map(
      ids.map((id) => {
        const outcome = JSON.stringify({ type: 'refused', reason: 'full' });
        return [id, { id, fingerprint: 'f', outcome, expiresAt: 4_102_444_800, receipt: null }];
      }),
    ),
  });

  test('commands that were put back because of a used key are decided before new ones', async () => {
    const { sequencer, register, commits } = open(1_000);
    void register('first');
    await settle();
    const command = { type: 'register' as const, userId: 'keyed' };
    const until = Date.now() + QUEUE_WAIT_MS;
    void sequencer.submit(command, until, keyOf('one'));
    const other = register('other');
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    // When the batch is cancelled, another replay and a new command are in the queue.
    void sequencer.submit(command, until, keyOf('two'));
    void register('newcomer');
    commits[1]?.answer(replayed('key#one'));
    await settle();
    expect(commits[2]?.draft.changes.length).toBe(1);
    expect(commits[2]?.draft.keys).toEqual([]);
    commits[2]?.answer({ type: 'committed', attempts: 1 });
    expect((await other).type).toBe('registered');
    await settle();
    expect(commits[3]?.draft.keys.map(({ id }) => id)).toEqual(['key#two']);
  });

  test('a key that was used, here or before, is answered again without a transaction', async () => {
    const { sequencer, commits } = open();
    const command = { type: 'register' as const, userId: 'a' };
    const submit = (name: string) =>
      sequencer.submit(command, Date.now() + QUEUE_WAIT_MS, keyOf(name));
    const first = submit('here');
    await settle();
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    expect((await first).type).toBe('registered');
    const before = submit('before');
    await settle();
    commits[1]?.answer(replayed('key#before'));
    await before;
    expect(await submit('here')).toMatchObject({ type: 'registered', isReplay: true });
    expect(await submit('before')).toMatchObject({ type: 'refused', isReplay: true });
    const other = { id: 'key#here', fingerprint: 'another request' };
    expect(await sequencer.submit(command, Date.now() + QUEUE_WAIT_MS, other)).toEqual({
      type: 'keyRefused',
      reason: 'reused',
    });
    expect(commits.length).toBe(2);
  });

  test('a key is new again when it has expired, even if it is still in memory', async () => {
    const { sequencer, commits } = open();
    const submit = () =>
      sequencer.submit({ type: 'register', userId: 'a' }, Date.now() + QUEUE_WAIT_MS, keyOf('old'));
    void submit();
    await settle();
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    await vi.advanceTimersByTimeAsync(IDEMPOTENCY_TTL_SECONDS * 1_000);
    void submit();
    await settle();
    expect(commits.length).toBe(2);
  });

  test.for([
    ['fenced', (): CommitResult => ({ type: 'fenced' })],
    ['cancelled by a used key', () => replayed('key#used')],
  ] as const)(
    'a command whose commit is %s after its time is over is refused',
    async ([, result]) => {
      const { sequencer, register, commits } = open();
      const until = Date.now() + QUEUE_WAIT_MS;
      void sequencer.submit({ type: 'register', userId: 'u' }, until, keyOf('used'));
      const reply = register('a');
      await settle();
      commits[0]?.answer({ type: 'committed', attempts: 1 });
      await settle();
      void sequencer.submit({ type: 'register', userId: 'v' }, until + 10_000, keyOf('used'));
      const late = register('late');
      await settle();
      await vi.advanceTimersByTimeAsync(QUEUE_WAIT_MS + 1);
      for (const commit of commits.slice(1)) commit.answer(result());
      await settle();
      expect([(await reply).type, await late]).toEqual([
        'registered',
        { type: 'unavailable', reason: 'expired', timing: expect.any(Object) },
      ]);
    },
  );

  test('a command that has expired is not decided', async () => {
    const { sequencer, register, commits } = open();
    void register('slow');
    await settle();
    const reply = sequencer.submit({ type: 'register', userId: 'a' }, Date.now() + 10);
    // Sooner than the sweep.
    await vi.advanceTimersByTimeAsync(QUEUE_SWEEP_MS / 2);
    commits[0]?.answer({ type: 'committed', attempts: 1 });
    await settle();
    expect(await reply).toEqual({ type: 'unavailable', reason: 'expired' });
    expect(commits.length).toBe(1);
  });

  test('a command that cannot be decided is refused, and those around it are served', async () => {
    const { sequencer, register, commits, setLoad } = open();
    const good = new EventState();
    const event = { ...eventOf(9), status: 'OPEN' as const, createdAt: NOW };
    good.applyCommit([{ type: 'created', event }], 1);
    setLoad(async () => good);
    const before = register('before');
    const broken = { type: 'no such command' } as unknown as Command;
    const reply = sequencer.submit(broken, Date.now() + QUEUE_WAIT_MS);
    const after = register('after');
    await settle();
    expect(await reply).toEqual({ type: 'unavailable', reason: 'defect' });
    for (let i = 0; i < commits.length; i++) {
      commits[i]?.answer({ type: 'committed', attempts: 1 });
      await settle();
    }
    expect([(await before).type, (await after).type]).toEqual(['registered', 'registered']);
  });

  test('a large raise is decided once', async () => {
    const state = withLine(1, 120);
    const opened = open();
    opened.setLoad(async () => state);
    const { sequencer, register, commits } = opened;
    void register('first');
    await settle();
    void register('second');
    const raise = sequencer.submit(
      { type: 'update', patch: { capacity: 121 }, revisions: null, isDryRun: false },
      Date.now() + QUEUE_WAIT_MS,
    );
    await settle();
    for (let i = 0; i < commits.length; i++) {
      commits[i]?.answer({ type: 'committed', attempts: 2 });
      await settleAll();
    }
    const reply = await raise;
    expect(reply.timing).toMatchObject({ attempts: 2 });
    const promoted = reply.type === 'updated' ? reply.promoted : [];
    const ids = promoted.map(({ registrationId }) => Number(registrationId.slice(-12)));
    // One id for each seat: "first" and "second" joined the line with one each before.
    expect(ids).toEqual(Array.from({ length: 122 }, (_, i) => i + 3).slice(0, ids.length));
  });

  describe('an event that does not exist', () => {
    function openAbsent() {
      const opened = open();
      opened.setLoad(async () => new EventState());
      const read = async () => {
        const reply = opened.sequencer.submit({ type: 'read' }, Date.now() + QUEUE_WAIT_MS);
        await settle();
        return reply;
      };
      const create = () =>
        opened.sequencer.submit({ type: 'create', event: eventOf(1) }, Date.now() + QUEUE_WAIT_MS);
      return { ...opened, read, create };
    }

    test('is looked up once a second', async () => {
      const { read, register, loads } = openAbsent();
      expect(await read()).toEqual({ type: 'refused', reason: 'no-such-event' });
      expect(await read()).toEqual({ type: 'refused', reason: 'no-such-event' });
      expect(await register('a')).toEqual({ type: 'refused', reason: 'no-such-event' });
      expect(loads.length).toBe(1);
      await vi.advanceTimersByTimeAsync(ABSENCE_MEMORY_MS);
      await read();
      expect(loads.length).toBe(2);
    });

    test('exists as soon as it is created', async () => {
      const { read, create, commits } = openAbsent();
      await read();
      const created = create();
      await settle();
      commits[0]?.answer({ type: 'committed', attempts: 1 });
      expect((await created).type).toBe('created');
      expect((await read()).type).toBe('read');
    });

    test('does not count as missing after an uncertain creation, or after a creation elsewhere', async () => {
      const { sequencer, read, create, commits, setLoad } = openAbsent();
      await read();
      const created = create();
      await settle();
      setLoad(async () => withLine(1, 0));
      commits[0]?.answer({ type: 'uncertain', cause: UNREACHABLE });
      await created;
      expect((await read()).type).toBe('read');
      const other = openAbsent();
      // A look-up of a user made the object load before the event was created elsewhere.
      other.sequencer.warmUp();
      await settle();
      other.setLoad(async () => withLine(1, 0));
      await vi.advanceTimersByTimeAsync(ABSENCE_MEMORY_MS);
      expect((await other.read()).type).toBe('read');
      expect(sequencer.isAbsent).toBe(false);
    });

    test('a load that ends after the creation does not hide it', async () => {
      const { sequencer, read, create, commits, setLoad } = openAbsent();
      const created = create();
      await settle();
      const slow = Promise.withResolvers<EventState>();
      setLoad(() => slow.promise);
      sequencer.warmUp();
      commits[0]?.answer({ type: 'committed', attempts: 1 });
      await created;
      slow.resolve(new EventState());
      await settle();
      expect((await read()).type).toBe('read');
    });
  });

  describe('a bulk request', () => {
    const all = (opened: ReturnType<typeof open>, name: string, carried: string[]) =>
      opened.sequencer.submitAll(Date.now() + QUEUE_WAIT_MS, keyOf(name), async () => {
        carried.push(name);
        return [await opened.register('a')];
      });

    test('uses up its key before any command, and refuses a second request meanwhile', async () => {
      const opened = open();
      const carried: string[] = [];
      const first = all(opened, 'bulk', carried);
      await settle();
      expect(opened.commits[0]?.draft.keys.map(({ id }) => id)).toEqual(['key#bulk']);
      expect(opened.commits[0]?.draft.changes).toEqual([]);
      expect(carried).toEqual([]);
      const inFlight = { type: 'keyRefused', reason: 'in-flight' };
      expect(await all(opened, 'bulk', carried)).toEqual(inFlight);
      opened.commits[0]?.answer({ type: 'committed', attempts: 1 });
      await settle();
      expect(await all(opened, 'bulk', carried)).toEqual(inFlight);
      opened.commits[1]?.answer({ type: 'committed', attempts: 1 });
      expect(await first).toMatchObject([{ type: 'registered' }]);
      expect(carried).toEqual(['bulk']);
    });

    test('is not carried out under the key of a different request', async () => {
      const opened = open();
      const carried: string[] = [];
      const answer = all(opened, 'single', carried);
      await settle();
      opened.commits[0]?.answer({
        type: 'replayed',
        records: new Map([
          [
            'key#single',
            {
              id: 'key#single',
              fingerprint: 'other',
              outcome: '{}',
              expiresAt: 4e9,
              receipt: null,
            },
          ],
        ]),
      });
      expect(await answer).toMatchObject({ type: 'keyRefused', reason: 'reused' });
      expect(carried).toEqual([]);
    });
  });
});
