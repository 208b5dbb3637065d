import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import { type LogEntry as ProductEntry, toLogChange } from '../../src/event/log.ts';
import type { EventPatch } from '../../src/event/model.ts';
import { EventState } from '../../src/event/state.ts';
import {
  at,
  commands,
  counterIds,
  decideInTime,
  eventOf,
  NOW,
  timedCommands,
} from '../support/model.ts';
import { type Operation, type Outcome, Recorder, type Request } from './history.ts';
import { knownOffers, offersMade } from './known-offers.ts';
import {
  chainOf,
  checkChain,
  checkPage,
  entriesOf,
  LOG_DAYS,
  type LogEntry,
  type LogPage,
  strayLogRows,
} from './log.ts';
import { checkLog } from './log-check.ts';
import { carriedOut } from './receipts.ts';
import { settingsOf } from './rules.ts';
import { type Rows, toContent } from './tables.ts';

type Entry = Rows['log'][number];

/** Makes an entry of the log follow those that there are. */
function append(log: Entry[], changes: ProductEntry['changes'], at: string): Entry {
  // Versions have gaps.
  const entry = { version: (log.at(-1)?.version ?? 0) + 1 + (log.length % 2), at, changes };
  const chained = { ...entry, chain: chainOf(log.at(-1)?.chain ?? '', entry) };
  log.push(chained);
  return chained;
}

/** An event of the product's rules, and its log. */
class Story {
  readonly state = new EventState();
  readonly log: Entry[] = [];
  readonly operations: Operation[] = [];
  /** Seconds since `NOW`. */
  seconds = 0;
  readonly #newId = counterIds();

  constructor(capacity: number) {
    this.commit({ type: 'create', event: eventOf(capacity) });
    this.note({ type: 'create', capacity, hasWaitlist: true }, () => ({
      ...{ type: 'created', capacity, hasWaitlist: true },
    }));
  }

  /** Carries out commands and commits them together. */
  commit(...all: Command[]): void {
    const circumstances = { now: at(this.seconds), newId: this.#newId };
    const changes = all.flatMap((command) => {
      const decided = decideInTime(this.state, command, circumstances).changes;
      this.state.applyCommit(decided, this.state.version + 1);
      return decided;
    });
    if (changes.length > 0) append(this.log, changes.map(toLogChange), circumstances.now);
  }

  /** Writes down what the last commit was told as; `told` is given the ids of its last change. */
  note(request: Request, told: (ids: { id: string; position: number }) => Outcome): void {
    const entry = this.log.at(-1);
    const change = entry?.changes.at(-1);
    const id =
      change && 'registrationId' in change
        ? change.registrationId
        : change && 'offerId' in change
          ? change.offerId
          : change && 'entryId' in change
            ? change.entryId
            : '';
    const position = change && 'position' in change ? change.position : 0;
    const outcome = told({ id, position });
    const now = Date.parse(at(this.seconds));
    this.operations.push({
      ...{ client: 'c', eventId: 'e', request, outcome, slowestMs: 0 },
      ...{ sent: 0, answered: 1, sentMs: 0, answeredMs: 1, sentAt: now - 1, answeredAt: now + 1 },
      receipt: outcome.type === 'unknown' ? null : `${entry?.version}.${entry?.chain}`,
    });
  }

  /** What the tables hold. */
  get rows(): Rows {
    const { state, log } = this;
    const { version, revision, registeredCount, waitlistCount, lastPosition, lastSeq } = state;
    const { offeredCount } = state;
    if (!state.event) throw new Error('there is no event');
    const last = log.at(-1);
    return {
      item: {
        ...state.event,
        ...{ version: Math.max(version, last?.version ?? 0), revision, registeredCount },
        ...{ offeredCount, waitlistCount, lastPosition, lastSeq, digest: '' },
        logVersion: last?.version ?? 0,
        logChain: last?.chain ?? '',
        logFrom: log[0]?.version ?? 0,
      },
      registrations: [...state.seated()],
      offers: [...state.offered()].map(({ offerId, expiresAt, ...offer }) => {
        return { ...offer, registrationId: offerId, status: 'OFFERED', offerEndsAt: expiresAt };
      }),
      waitlist: [...state.waiting()],
      log,
    };
  }
}

const register = (userId: string) => ({ type: 'register', userId }) as const;
const unregister = (userId: string) => ({ type: 'unregister', userId }) as const;
const updateOf = (patch: EventPatch): Command => {
  return { type: 'update', patch, revisions: null, isDryRun: false };
};

/** One seat: a has it, b and c wait, a leaves and b moves up, d is lost on the way, and c comes in past all. */
function tell(): Story {
  const story = new Story(1);
  story.commit(register('a'));
  story.note(register('a'), ({ id }) => ({ type: 'registered', id }));
  story.commit(register('b'), register('c'));
  const [first] = story.log.at(-1)?.changes ?? [];
  if (first?.type !== 'waitlist.joined') throw new Error('b should wait');
  story.note(register('b'), () => ({ type: 'waitlisted', id: first.entryId, position: 1 }));
  story.note(register('c'), (ids) => ({ type: 'waitlisted', ...ids }));
  story.commit(unregister('a'));
  story.note(unregister('a'), ({ id }) => ({
    ...{ type: 'unregistered', promoted: { userId: 'b', id }, offered: null },
  }));
  story.commit(register('d'));
  story.note(register('d'), () => ({ type: 'unknown', why: 'reset' }));
  story.commit({ ...register('c'), override: { reason: 'a speaker' } });
  story.note({ type: 'override', userId: 'c' }, ({ id }) => ({ type: 'registered', id }));
  return story;
}

/** Changes something about the event. */
function change(story: Story, patch: { offerSeconds: number } | { promotesUntil: string }): void {
  story.commit(updateOf(patch));
  const { event, revision } = story.state;
  if (!event) throw new Error('there is no event');
  const settings = settingsOf(event);
  story.note({ type: 'update', patch }, () => ({
    ...{ type: 'updated', settings, revision, promoted: [], offered: [] },
  }));
}

/**
 * Two seats, which a and b have, are offered for 10 s each: c declines, d lets the offer pass, e takes it. The line
 * ends while b's seat is offered to f. After that g, who waits, takes it, and b's place is told to nobody.
 */
function tellOffers(): Story {
  const story = new Story(2);
  for (const userId of ['a', 'b']) {
    story.commit(register(userId));
    story.note(register(userId), ({ id }) => ({ type: 'registered', id }));
  }
  change(story, { offerSeconds: 10 });
  for (const userId of ['c', 'd', 'e', 'f', 'g', 'h']) {
    story.commit(register(userId));
    story.note(register(userId), (ids) => ({ type: 'waitlisted', ...ids }));
  }
  const leave = (userId: string) => {
    story.commit(unregister(userId));
    const [offer] = [...story.state.offered()].reverse();
    if (!offer) throw new Error('the seat should be offered');
    const { offerId: id, eventId: _, ...offered } = offer;
    story.note(unregister(userId), () => ({
      ...{ type: 'unregistered', promoted: null, offered: { id, ...offered } },
    }));
    return { id, ...offered };
  };
  const offer = leave('a');
  story.seconds = 1;
  story.commit({ type: 'leaveLine', userId: 'c' });
  story.note({ type: 'leaveLine', userId: 'c' }, () => ({ type: 'declined', offer }));
  story.seconds = 11;
  story.commit({ type: 'expire' });
  story.commit(register('e'));
  story.note(register('e'), ({ id }) => ({ type: 'registered', id }));
  story.seconds = 12;
  leave('b');
  story.seconds = 13;
  change(story, { promotesUntil: at(15) });
  story.seconds = 15;
  story.commit(register('g'));
  story.note(register('g'), ({ id }) => ({ type: 'registered', id }));
  return story;
}

const NOTHING_READ = { pages: [], whole: [] };
const faultsOf = ({ rows, operations }: { rows: Rows; operations: Operation[] }) =>
  checkLog(rows, operations, NOTHING_READ, false);

/** The faults of a story in which nobody was told anything. */
const askedFaultsOf = ({ rows }: Story) =>
  checkLog(rows, [], NOTHING_READ, false).filter((fault) => !fault.includes('nobody asked'));

/** Chains entries anew, as a service does whose entries are wrong from the beginning. */
function rechain(story: Story): void {
  let before = '';
  for (const entry of story.log) {
    entry.chain = chainOf(before, entry);
    for (const operation of story.operations) {
      if (operation.receipt?.startsWith(`${entry.version}.`)) {
        operation.receipt = `${entry.version}.${entry.chain}`;
      }
    }
    before = entry.chain;
  }
}

describe('a log', () => {
  test('leads to what the rules of the product lead to, whatever is asked', () => {
    fc.assert(
      fc.property(
        commands,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (all, capacity, size) => {
          const story = new Story(capacity);
          for (let i = 0; i < all.length; i += size) story.commit(...all.slice(i, i + size));
          expect(askedFaultsOf(story)).toEqual([]);
        },
      ),
    );
  });

  test('goes back in time by no more than clocks are apart', () => {
    const entryAt = (version: number, at: string): LogEntry => ({
      ...{ version, at, chain: '', changes: [] },
    });
    const entries = [
      entryAt(1, '2026-01-01T00:00:01.000Z'),
      entryAt(2, '2026-01-01T00:00:00.800Z'),
    ];
    const isFault = (apartMs: number) =>
      checkChain(entries, apartMs).some((fault) => fault.includes('back in time'));
    expect([0, 199, 200].map(isFault)).toEqual([true, true, false]);
  });

  test('leads there while time passes', () => {
    fc.assert(
      fc.property(timedCommands, fc.integer({ min: 1, max: 4 }), (all, capacity) => {
        const story = new Story(capacity);
        for (const { command, wait } of all) {
          // The log never goes back in time.
          story.seconds += Math.max(0, wait);
          story.commit(command);
        }
        expect(askedFaultsOf(story)).toEqual([]);
      }),
    );
  });

  test('that is right has no fault', () => {
    expect(faultsOf(tell())).toEqual([]);
  });

  test('that is right about offers and the end of the line has no fault', () => {
    const story = tellOffers();
    expect(story.log.flatMap(({ changes }) => changes.map(({ type }) => type)).slice(10)).toEqual([
      ...['registration.cancelled', 'offer.made', 'offer.declined', 'offer.made'],
      ...['offer.expired', 'offer.made', 'offer.accepted'],
      ...['registration.cancelled', 'offer.made', 'event.updated'],
      ...['offer.expired', 'waitlist.left', 'registration.created'],
    ]);
    expect(faultsOf(story)).toEqual([]);
  });

  test('tells which requests were never carried out', () => {
    const story = tell();
    const { operations, log } = story;
    story.note(register('e'), () => ({ type: 'unknown', why: 'reset' }));
    story.note({ type: 'override', userId: 'c' }, () => ({ type: 'unknown', why: 'reset' }));
    expect(operations.filter(({ outcome }) => outcome.type === 'unknown')).toHaveLength(3);
    const left = carriedOut(operations, log);
    expect(left).toEqual(operations.slice(0, -2));
  });

  test('tells when each offer was made, also where no client was told', () => {
    const { log, rows } = tellOffers();
    const made = offersMade(log);
    expect(made.map(({ position, createdAt }) => [position, createdAt])).toEqual([
      ...[
        [1, at(0)],
        [2, at(1)],
        [3, at(11)],
        [4, at(12)],
      ],
    ]);
    const recorder = new Recorder();
    const last = recorder.begin('c', 'e', { type: 'tables' });
    recorder.end(last, { type: 'tables', content: toContent(rows), offersMade: made });
    expect(knownOffers(recorder.operations).get(2)).toEqual({ id: made[1]?.id, createdAt: at(1) });
  });

  const wrong: Record<string, [(story: Story) => void, string]> = {
    'an entry that is missing': [({ log }) => log.splice(2, 1), 'the chain of the log breaks'],
    'the last entry missing': [({ log }) => log.pop(), 'that only the tables have'],
    'a time that was altered': [
      ({ log }) => Object.assign(log[1] ?? {}, { at: '2026-01-01T00:00:00.001Z' }),
      'the chain of the log breaks at version',
    ],
    'a chain that begins anew': [
      ({ log }) => {
        const last = log.at(-1);
        if (last) last.chain = chainOf('', last);
      },
      'the chain of the log breaks at version',
    ],
    'a change too many': [
      (story) => {
        append(
          story.log,
          [{ type: 'registration.created', registrationId: 'x', userId: 'x' }],
          NOW,
        );
      },
      'what nobody asked for',
    ],
    'a change that was left out of its entry': [
      (story) => {
        story.log[2]?.changes.shift();
        rechain(story);
      },
      'c register (waitlisted): what was acknowledged is not in the entry of its receipt',
    ],
    'a user who is another': [
      (story) => {
        const change = story.log[1]?.changes[0];
        if (change && 'userId' in change) change.userId = 'z';
      },
      'a seat that only the log has',
    ],
    'a receipt of another entry': [
      ({ operations }) => Object.assign(operations[1] ?? {}, { receipt: operations[0]?.receipt }),
      'is not in the entry of its receipt',
    ],
    'a receipt of no entry': [
      ({ operations }) => Object.assign(operations[1] ?? {}, { receipt: `3.${'0'.repeat(64)}` }),
      'the log has no entry of the receipt',
    ],
    'no receipt': [
      ({ operations }) => Object.assign(operations[1] ?? {}, { receipt: null }),
      'c register (registered): no receipt',
    ],
    'a receipt for a refusal': [
      ({ operations }) =>
        Object.assign(operations[1] ?? {}, { outcome: { type: 'refused', reason: 'full' } }),
      'a receipt for what changed nothing',
    ],
    'two who were told the same change': [
      ({ operations }) => operations.push(...operations.slice(1, 2)),
      'what was acknowledged is not in the entry',
    ],
    'a change of which nobody can have been left in doubt': [
      ({ operations }) => operations.splice(5, 1),
      'what nobody asked for',
    ],
    'a change that was carried out twice': [
      (story) => {
        const { operations } = story;
        story.commit({ type: 'leaveLine', userId: 'd' });
        story.note({ type: 'leaveLine', userId: 'd' }, (ids) => ({ type: 'leftLine', ...ids }));
        story.commit(register('d'));
        expect(operations.filter(({ outcome }) => outcome.type === 'unknown')).toHaveLength(1);
      },
      'what nobody asked for',
    ],
    'a change that was decided before it was asked for': [
      ({ operations }) => Object.assign(operations[1] ?? {}, { sentAt: Date.parse(NOW) + 60_000 }),
      'by the log',
    ],
    'a position that is given twice': [
      (story) => {
        const change = story.log[2]?.changes[1];
        if (change?.type === 'waitlist.joined') change.position = 1;
        rechain(story);
      },
      'the next position was 2',
    ],
    'a line in another order': [
      (story) => {
        story.log[2]?.changes.reverse();
        rechain(story);
      },
      'the next position was 1',
    ],
    'a seat past the capacity': [
      (story) => {
        const change = story.log.at(-1)?.changes.at(-1);
        if (change?.type === 'registration.created') delete change.override;
        rechain(story);
      },
      'no seat was free for whoever asks',
    ],
  };
  test.each(Object.entries(wrong))('%s is found', (_, [spoil, fault]) => {
    const story = tell();
    spoil(story);
    expect(faultsOf(story).join('\n')).toContain(fault);
  });

  /** Alters the last change of a type, and all chains after it. */
  function alter(story: Story, type: string, how: object): void {
    const change = story.log
      .flatMap(({ changes }) => changes)
      .findLast((each) => each.type === type);
    Object.assign(change ?? {}, how);
    rechain(story);
  }
  /** Leaves out the last change of a type. */
  function leaveOut(story: Story, type: string): void {
    const entry = story.log.findLast(({ changes }) => changes.some((each) => each.type === type));
    if (entry) entry.changes = entry.changes.filter((each) => each.type !== type);
    rechain(story);
  }
  /** Sets the time of the entry in which a change of a type is last. */
  function date(story: Story, type: string, seconds: number): void {
    const entry = story.log.findLast(({ changes }) => changes.some((each) => each.type === type));
    Object.assign(entry ?? {}, { at: at(seconds) });
    rechain(story);
  }
  const wrongOffers: Record<string, [(story: Story) => void, string]> = {
    'an offer to somebody who is not first': [
      (story) => {
        const [first, second] = story.log
          .flatMap(({ changes }) => changes)
          .filter((change) => change.type === 'waitlist.joined');
        alter(story, 'offer.made', { ...second, type: 'offer.made' });
        expect(first).not.toEqual(second);
      },
      'the user does not have this place',
    ],
    'an offer that lasts too long': [
      (story) => alter(story, 'offer.made', { expiresAt: at(60) }),
      `the offer ends at ${at(22)}`,
    ],
    'an offer taken after its end': [
      (story) => date(story, 'offer.accepted', 22),
      'the offer was over',
    ],
    'an offer that ends too early': [
      (story) => date(story, 'offer.expired', 14),
      'the offer was not over yet',
    ],
    'a seat that is offered to nobody': [
      (story) => leaveOut(story, 'offer.made'),
      'leaves a seat free while somebody waits',
    ],
    'an offer that is over and does not end': [
      (story) => leaveOut(story, 'offer.expired'),
      'an offer that was over was not ended before',
    ],
    'a seat that is given while seats are offered': [
      (story) => {
        const made = story.log.flatMap(({ changes }) => changes);
        const offer = made.find((each) => each.type === 'offer.made');
        if (offer) Object.assign(offer, { type: 'registration.promoted', registrationId: 'x' });
        rechain(story);
      },
      'seats are offered, not given',
    ],
    'a seat that is taken past the line before its end': [
      (story) => date(story, 'registration.created', 14),
      'a free seat was not given to the line before',
    ],
    'an offer that nobody took': [
      ({ operations }) => operations.splice(-4, 1),
      'what nobody asked for: {"type":"offer.accepted"',
    ],
    'an offer that nobody declined': [
      ({ operations }) => operations.splice(-5, 1),
      'what nobody asked for: {"type":"offer.declined"',
    ],
    'an offer told as another': [
      ({ operations }) => {
        const told = operations.find(({ outcome }) => outcome.type === 'unregistered')?.outcome;
        if (told?.type === 'unregistered' && told.offered) told.offered.expiresAt = at(11);
      },
      'c unregister (unregistered): what was acknowledged is not in the entry of its receipt',
    ],
    'an offer that the tables lack': [
      (story) => {
        story.commit(updateOf({ promotesUntil: null, capacity: 3 }));
        story.note({ type: 'update', patch: {} }, () => ({ type: 'unknown', why: 'reset' }));
        const { rows } = story;
        Object.defineProperty(story, 'rows', { value: { ...rows, offers: [] } });
      },
      'an offer that only the log has',
    ],
  };
  test.each(Object.entries(wrongOffers))('%s is found', (_, [spoil, fault]) => {
    const story = tellOffers();
    spoil(story);
    expect(faultsOf(story).join('\n')).toContain(fault);
  });

  test('is held against the end and the times that the tables have', () => {
    const { rows, operations } = tell();
    if (rows.item) rows.item.logVersion = 1;
    for (const seat of rows.registrations) seat.createdAt = '2025-01-01T00:00:00.000Z';
    const faults = checkLog(rows, operations, NOTHING_READ, false).join('\n');
    expect(faults).toContain('leads to other end');
    expect(faults).toContain('other times of the seat of b');
  });
});

describe('a page of the log', () => {
  const { log } = tell();
  const versions = log.map(({ version }) => version);
  const [, second = 0, third = 0] = versions;
  const page = (some: Partial<LogPage>): LogPage => ({
    ...{ worker: 0, after: -1, limit: 100, items: log, next: null, known: 0, ...some },
  });
  const right: Record<string, LogPage> = {
    'all of it': page({}),
    'its beginning': page({ limit: 2, items: log.slice(0, 2), next: second }),
    'its end': page({ after: second, items: log.slice(2), known: third }),
    'what was there when it was read': page({ items: log.slice(0, 2), known: second }),
    'nothing, after its end': page({ after: 1_000, items: [] }),
  };
  test.each(Object.entries(right))('%s is right', (_, told) => {
    expect(checkPage(told, log, false)).toEqual([]);
  });

  const wrong: Record<string, [LogPage, string]> = {
    'one left out': [page({ items: log.toSpliced(1, 1) }), 'what is not in the tables'],
    'more than were asked for': [page({ limit: 2 }), 'entries'],
    'one passed over': [page({ items: log.slice(0, 1), next: second }), 'leaves out version'],
    'one that goes on where it began': [page({ after: 1, items: [], next: 1 }), 'goes on after 1'],
    'the end before what was acknowledged': [
      page({ items: log.slice(0, 1), known: third }),
      'whose receipt was out',
    ],
  };
  test.each(Object.entries(wrong))('%s is found', (_, [told, fault]) => {
    expect(checkPage(told, log, false).join('\n')).toContain(fault);
  });

  test('of a worker that was left behind may end early', () => {
    expect(checkPage(page({ items: log.slice(0, 1), known: third }), log, true)).toEqual([]);
  });

  test('is the same at the end as in the tables', () => {
    const { rows, operations } = tell();
    const whole = (entries: Entry[] | null) => ({ pages: [], whole: [{ worker: 0, entries }] });
    const told = (entries: Entry[] | null, mayBeStale = false) =>
      checkLog(rows, operations, whole(entries), mayBeStale);
    expect(told(rows.log)).toEqual([]);
    expect(told(rows.log.slice(0, -1), true)).toEqual([]);
    expect(told(rows.log.slice(0, -1))).toHaveLength(1);
    expect(told(rows.log.slice(1), true)).toHaveLength(1);
    expect(told(null)).toHaveLength(1);
    expect(told(null, true)).toEqual([]);
  });

  test('at the end may lack what the clock did afterwards, and nothing else', () => {
    const story = tellOffers();
    const told = story.log.slice();
    story.commit(updateOf({ promotesUntil: null, capacity: 3 }));
    const asked = story.log.slice();
    story.seconds = 60;
    story.commit({ type: 'expire' });
    const faultsWith = (entries: Entry[]) => {
      const whole = { pages: [], whole: [{ worker: 0, entries }] };
      return checkLog(story.rows, story.operations, whole, false).filter((fault) =>
        fault.startsWith('worker'),
      );
    };
    expect(story.log).toHaveLength(told.length + 2);
    expect(faultsWith(asked)).toEqual([]);
    expect(faultsWith(told)).toHaveLength(1);
  });
});

describe('rows of the log', () => {
  const row = (registrationId: string, more: object = {}) => ({
    ...{ registrationId, at: NOW, chain: '', changes: '[]' },
    expiresAt: Date.parse(NOW) / 1_000 + LOG_DAYS * 86_400,
    ...more,
  });

  test('are told apart by event, whatever its id has in it, and are in order', () => {
    const rows = ['log#e#10', 'log#e#9', 'log#e#1#3', 'log#e\n#4', 'key#e#5'].map((id) => row(id));
    const read = (eventId: string) => entriesOf(rows, eventId).map(({ version }) => version);
    expect(read('e')).toEqual([9, 10]);
    expect(read('e#1')).toEqual([3]);
    expect(read('e\n')).toEqual([4]);
  });

  test('of nobody, in an index, or kept too long are found', () => {
    const ids = new Set(['e']);
    expect(strayLogRows([row('log#e#1')], ids)).toEqual([]);
    const stray = [
      ...[row('log#f#1'), row('log#e#x'), row('log#e#1', { eventId: 'e' })],
      ...[row('log#e#1', { userId: 'a' }), row('log#e#1', { expiresAt: 1 })],
    ];
    expect(strayLogRows(stray, ids)).toHaveLength(stray.length);
  });
});
