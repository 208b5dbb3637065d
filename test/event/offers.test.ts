import { describe, expect, test } from 'vitest';
import { decideBatch } from '../../src/event/batch.ts';
import type { Command, Outcome } from '../../src/event/command.ts';
import { decide } from '../../src/event/decide.ts';
import { Draft } from '../../src/event/draft.ts';
import { toLogChange } from '../../src/event/log.ts';
import type { EventPatch, NewEvent, Offer } from '../../src/event/model.ts';
import { nextDueAt } from '../../src/event/rules/offer.ts';
import { type Change, EventState } from '../../src/event/state.ts';
import { EVENT_MAX_BYTES, EXPIRY_MAX_OFFERS, STEP_MAX_SEATS } from '../../src/limits.ts';
import { at, counterIds, decideInTime, eventOf, inShort } from '../support/model.ts';

const register = (userId: string): Command => ({ type: 'register', userId });
const unregister = (userId: string): Command => ({ type: 'unregister', userId });
const leaveLine = (userId: string): Command => ({ type: 'leaveLine', userId });
const stand = (userId: string): Command => ({ type: 'stand', userId });
const read: Command = { type: 'read' };
const cancel: Command = { type: 'cancel', revisions: null };
const update = (patch: EventPatch, isDryRun = false): Command => {
  return { type: 'update', patch, revisions: null, isDryRun };
};

/** An event with these people, the first of whom have its seats; each step says at which second it is. */
function open(settings: Partial<NewEvent> & { capacity: number }, ...userIds: string[]) {
  const state = new EventState();
  const newId = counterIds();
  const changes: Change[] = [];
  const run = (seconds: number, command: Command): Outcome => {
    const decided = decideInTime(state, command, { now: at(seconds), newId });
    changes.push(...decided.changes);
    if (decided.changes.length > 0) state.applyCommit(decided.changes, state.version + 1);
    return decided.outcome;
  };
  const inBrief = (seconds: number, command: Command) => inShort(run(seconds, command));
  run(0, { type: 'create', event: { ...eventOf(settings.capacity), ...settings } });
  for (const userId of userIds) run(0, register(userId));
  const offerOf = (seconds: number, userId: string): Offer | null => {
    const outcome = run(seconds, stand(userId));
    return outcome.type === 'standing' ? outcome.offer : null;
  };
  const due = (seconds: number) => {
    const dueAt = nextDueAt(state, Date.parse(at(seconds)));
    return dueAt === null ? null : new Date(dueAt).toISOString();
  };
  return { state, run, inBrief, offerOf, due, changes, newId };
}

const offering = { capacity: 1, offerSeconds: 30 };

describe('an offer', () => {
  test('holds the seat for the first in line, who has left the line', () => {
    const { run, inBrief, state } = open(offering, 'a', 'b', 'c');
    expect(run(5, unregister('a'))).toMatchObject({
      promoted: null,
      offered: { userId: 'b', position: 1, createdAt: at(5), expiresAt: at(35) },
    });
    expect(inBrief(6, read)).toBe('read 0 1 +1');
    expect(run(6, stand('b'))).toMatchObject({ registration: null, entry: null, ahead: null });
    expect(inBrief(6, register('d'))).toBe('waitlisted 3');
    expect(state.entryOf('b')).toBeUndefined();
  });

  test('is taken until the moment at which it ends, and not at it', () => {
    for (const [seconds, expected] of [
      [34.999, 'registered'],
      [35, 'waitlisted 3'],
    ] as const) {
      const { run, inBrief } = open(offering, 'a', 'b', 'c');
      run(5, unregister('a'));
      expect(inBrief(seconds, register('b'))).toBe(expected);
    }
  });

  test('goes on to the next when it ends, for as long from then, and whoever let it pass is out', () => {
    const { run, offerOf, due, inBrief } = open(offering, 'a', 'b', 'c');
    run(5, unregister('a'));
    expect(due(5)).toBe(at(35));
    // Asked late: the clock of whoever asks first decides.
    expect(offerOf(40, 'c')).toMatchObject({ createdAt: at(40), expiresAt: at(70), position: 2 });
    expect(run(40, stand('b'))).toMatchObject({ registration: null, offer: null, entry: null });
    expect(due(40)).toBe(at(70));
    expect(inBrief(70, read)).toBe('read 0 0');
    expect(due(70)).toBeNull();
    expect(inBrief(70, register('b'))).toBe('registered');
  });

  test('is declined by leaving the line, and goes on at once', () => {
    const { run, offerOf, inBrief } = open(offering, 'a', 'b', 'c');
    run(5, unregister('a'));
    expect(run(6, leaveLine('b'))).toMatchObject({ type: 'declined', offer: { userId: 'b' } });
    expect(offerOf(6, 'c')).toMatchObject({ expiresAt: at(36) });
    expect(inBrief(6, leaveLine('b'))).toBe('refused not-waiting');
    expect(inBrief(6, unregister('c'))).toBe('refused not-registered');
  });

  test('is taken whatever window, pause, closure and a lowered capacity say', () => {
    const closed = { registrationClosesAt: at(1) };
    for (const patch of [{ status: 'PAUSED' }, { status: 'CLOSED' }, closed] as EventPatch[]) {
      const { run, inBrief } = open({ ...offering, capacity: 2 }, 'a', 'x', 'b', 'c');
      run(5, unregister('a'));
      run(6, update({ ...patch, capacity: 1 }));
      expect(inBrief(7, read)).toBe('read 1 1 +1');
      expect(inBrief(7, register('b'))).toBe('registered');
      expect(inBrief(7, read)).toBe('read 2 1');
    }
  });

  test('becomes a seat by an override too, with its reason, and nobody goes past the capacity', () => {
    const { run, inBrief, state } = open(offering, 'a', 'b', 'c');
    run(5, unregister('a'));
    const override: Command = { type: 'register', userId: 'b', override: { reason: 'speaker' } };
    expect(run(6, override)).toMatchObject({ registration: { overrideReason: 'speaker' } });
    expect(inBrief(6, read)).toBe('read 1 1');
    expect(state.offerOf('b')).toBeUndefined();
  });

  test('of somebody else stays when a waiter is seated by an override', () => {
    const { run, inBrief } = open(offering, 'a', 'b', 'c');
    run(5, unregister('a'));
    expect(inBrief(6, { type: 'register', userId: 'c', override: { reason: 'x' } })).toBe(
      'registered',
    );
    expect(inBrief(6, read)).toBe('read 1 0 +1');
    // One too many: when it ends nobody gets that seat.
    expect(inBrief(40, register('d'))).toBe('waitlisted 3');
  });

  test('takes no more memory than the entry had, but for the reason of an override', () => {
    const { run, state } = open(offering, 'a', 'b', 'c');
    run(5, unregister('a'));
    const full = new Draft(state);
    full.bytes = EVENT_MAX_BYTES;
    const circumstances = { now: at(6), newId: counterIds(100) };
    expect(inShort(decide(full, register('b'), circumstances).outcome)).toBe('registered');
    const override: Command = { type: 'register', userId: 'b', override: { reason: 'x' } };
    expect(inShort(decide(full, override, circumstances).outcome)).toBe('refused no-room');
  });

  test('is made to several at once, in order, when the capacity is raised', () => {
    const { run, inBrief } = open(offering, 'a', 'b', 'c', 'd', 'e');
    expect(inBrief(5, update({ capacity: 3 }, true))).toBe('updated ?b,?c');
    expect(inBrief(5, read)).toBe('read 1 4');
    expect(run(5, update({ capacity: 3 }))).toMatchObject({
      ...{ promoted: [], promotedCount: 0, offeredCount: 2 },
      offered: [{ userId: 'b' }, { userId: 'c' }],
    });
    expect(inBrief(5, read)).toBe('read 1 2 +2');
    const page = run(5, { type: 'list', list: 'offers', after: 0, limit: 1 });
    expect(page).toMatchObject({ type: 'offers', rows: [{ userId: 'b' }], isLast: false });
    const next = run(5, { type: 'list', list: 'offers', after: 1, limit: 1 });
    expect(next).toMatchObject({ rows: [{ userId: 'c' }], isLast: true });
  });

  test('stays as it is when offers are no longer made, and then seats are given', () => {
    const { run, offerOf, inBrief } = open(offering, 'a', 'b', 'c', 'd');
    run(5, unregister('a'));
    expect(inBrief(6, update({ offerSeconds: null }))).toBe('updated ');
    expect(offerOf(6, 'b')).toMatchObject({ expiresAt: at(35) });
    expect(inBrief(35, read)).toBe('read 1 1');
    expect(run(35, stand('c'))).toMatchObject({ registration: { userId: 'c', createdAt: at(35) } });
  });

  test('ends when the event is cancelled, and is offered to nobody', () => {
    const { run, inBrief, state, changes } = open(offering, 'a', 'b', 'c');
    run(5, unregister('a'));
    changes.length = 0;
    run(6, cancel);
    expect(changes.map(({ type }) => type)).toEqual(['updated', 'offerExpired']);
    expect(inBrief(6, register('b'))).toBe('refused cancelled');
    expect(state.offeredCount).toBe(0);
    expect(inBrief(6, leaveLine('c'))).toBe('leftLine');
  });

  test('is told in the log, with when it ends and what became of it', () => {
    const { run, changes } = open(offering, 'a', 'b', 'c', 'd', 'e');
    changes.length = 0;
    run(5, unregister('a'));
    run(6, leaveLine('b'));
    run(40, register('d'));
    const told = changes.map(toLogChange);
    const [made, id] = [told[1], expect.any(String)];
    const first = made?.type === 'offer.made' ? made.offerId : '';
    expect(told).toEqual([
      { type: 'registration.cancelled', registrationId: id, userId: 'a' },
      {
        ...{ type: 'offer.made', offerId: id, entryId: id, position: 1, userId: 'b' },
        expiresAt: at(35),
      },
      { type: 'offer.declined', offerId: first, position: 1, userId: 'b' },
      {
        ...{ type: 'offer.made', offerId: id, entryId: id, position: 2, userId: 'c' },
        expiresAt: at(36),
      },
      { type: 'offer.expired', offerId: id, position: 2, userId: 'c' },
      {
        ...{ type: 'offer.made', offerId: id, entryId: id, position: 3, userId: 'd' },
        expiresAt: at(70),
      },
      {
        ...{ type: 'offer.accepted', offerId: id, registrationId: id, position: 3, userId: 'd' },
      },
    ]);
  });
});

describe('the end of the line', () => {
  const ending = { capacity: 1, startsAt: at(100) };

  test('is promotesUntil, or the start where that is not said', () => {
    for (const [end, settings] of [
      [100, { startsAt: at(100) }],
      [100, { startsAt: at(50), promotesUntil: at(100) }],
      [100, { startsAt: at(200), promotesUntil: at(100) }],
      [100, { promotesUntil: at(100) }],
    ] as const) {
      const promoted = open({ capacity: 1, ...settings }, 'a', 'b');
      expect(promoted.inBrief(end - 0.001, unregister('a'))).toBe('unregistered b');
      const ended = open({ capacity: 1, ...settings }, 'a', 'b');
      expect(ended.inBrief(end, unregister('a'))).toBe('unregistered -');
    }
  });

  test('leaves a free seat to whoever asks, whether they wait or not', () => {
    const { run, inBrief, changes } = open(ending, 'a', 'b', 'c');
    run(100, unregister('a'));
    expect(inBrief(100, read)).toBe('read 0 2');
    changes.length = 0;
    expect(inBrief(101, register('c'))).toBe('registered');
    expect(changes.map(toLogChange).map(({ type }) => type)).toEqual([
      'waitlist.left',
      'registration.created',
    ]);
    expect(inBrief(102, register('b'))).toBe('refused line-ended');
    run(103, unregister('c'));
    expect(inBrief(103, register('x'))).toBe('registered');
  });

  test('lets nobody join the line, and everybody leave it', () => {
    const { inBrief } = open(ending, 'a', 'b');
    expect(inBrief(99, register('c'))).toBe('waitlisted 2');
    expect(inBrief(100, register('d'))).toBe('refused line-ended');
    expect(inBrief(100, register('a'))).toBe('refused already-registered');
    expect(inBrief(100, leaveLine('b'))).toBe('leftLine');
  });

  test('changes nothing about window and status, for those who wait too', () => {
    const { run, inBrief } = open({ ...ending, registrationClosesAt: at(110) }, 'a', 'b');
    run(100, unregister('a'));
    run(101, update({ status: 'PAUSED' }));
    expect(inBrief(102, register('b'))).toBe('refused paused');
    run(103, update({ status: 'OPEN' }));
    expect(inBrief(110, register('b'))).toBe('refused closed-already');
    expect(inBrief(110, register('x'))).toBe('refused closed-already');
  });

  test('is full without a waitlist as before', () => {
    const { inBrief } = open({ ...ending, hasWaitlist: false }, 'a');
    expect(inBrief(100, register('b'))).toBe('refused full');
  });

  test('ends offers, whichever comes first', () => {
    const { run, offerOf, due, inBrief } = open({ ...ending, offerSeconds: 30 }, 'a', 'b', 'c');
    run(80, unregister('a'));
    expect(offerOf(80, 'b')).toMatchObject({ expiresAt: at(100) });
    expect(due(80)).toBe(at(100));
    expect(inBrief(100, read)).toBe('read 0 1');
    expect(inBrief(100, register('x'))).toBe('registered');
  });

  test('moves an open offer with it: back, to the past, and forth', () => {
    const { run, offerOf, inBrief, changes } = open(
      { ...ending, offerSeconds: 30 },
      ...['a', 'b', 'c'],
    );
    run(80, unregister('a'));
    run(81, update({ promotesUntil: at(90) }));
    expect(offerOf(81, 'b')).toMatchObject({ expiresAt: at(90) });
    run(82, update({ promotesUntil: at(500) }));
    expect(offerOf(82, 'b')).toMatchObject({ expiresAt: at(110) });
    changes.length = 0;
    run(83, update({ promotesUntil: at(50) }));
    expect(changes.map(({ type }) => type)).toEqual(['updated', 'offerExpired']);
    expect(inBrief(83, read)).toBe('read 0 1');
    // Taken back: the line lives again, and gets the seat at once.
    expect(inBrief(84, update({ promotesUntil: null }))).toBe('updated ?c');
    expect(offerOf(84, 'c')).toMatchObject({ expiresAt: at(100) });
  });

  test('that another clock has seen early is made up for', () => {
    const { run, inBrief, due } = open(ending, 'a', 'b', 'c');
    run(100, unregister('a'));
    // The object goes on elsewhere, where it is a second earlier.
    expect(due(99)).toBe(at(99));
    expect(inBrief(99, register('x'))).toBe('waitlisted 3');
    expect(inBrief(99, read)).toBe('read 1 2');
    expect(due(99)).toBeNull();
  });
});

describe('a batch', () => {
  /** An event with so many open offers that end at second 30, and people who wait behind them. */
  function withOffers(count: number, waiting = count) {
    const users = Array.from({ length: count + waiting }, (_, i) => `u${i}`);
    const opened = open({ capacity: 1, offerSeconds: 30 }, 'first', ...users);
    opened.run(0, update({ capacity: count + 1 }));
    expect(opened.state.offeredCount).toBe(count);
    return opened;
  }
  const pendingOf = (command: Command) => ({
    ...{ command, key: undefined, actor: 'ada', askedAt: 0, expiresAt: Number.POSITIVE_INFINITY },
    settle: () => {},
  });

  test('begins with what is due, which nobody has asked for, and shares its transaction', () => {
    const { state, newId } = withOffers(2);
    const commands = [register('u0'), register('u2')].map(pendingOf);
    const batch = decideBatch(state, commands, { now: at(30), newId });
    expect(batch.draft.changes.map(({ type }) => type)).toEqual([
      ...['offerExpired', 'offerExpired', 'offered', 'offered', 'waitlisted', 'accepted'],
    ]);
    expect(batch.draft.actors).toEqual([null, null, null, null, 'ada', 'ada']);
    expect(batch.decided.map(({ outcome }) => inShort(outcome))).toEqual([
      'waitlisted 5',
      'registered',
    ]);
  });

  test('gives seats that another instance did not give away before anybody else gets one', () => {
    const { state, newId } = withOffers(1, 100);
    // By the clock of the other instance the line had ended.
    if (state.event)
      state.applyCommit([{ type: 'updated', event: { ...state.event, capacity: 62 } }], 99);
    const commands = [register('late'), register('u0')].map(pendingOf);
    const { draft, decided, given } = decideBatch(state, commands, { now: at(1), newId });
    expect(given.map(({ type }) => type)).toEqual(Array(STEP_MAX_SEATS).fill('offered'));
    expect(draft.changes.slice(0, STEP_MAX_SEATS)).toEqual(given);
    expect(decided.map(({ outcome }) => inShort(outcome))).toEqual([
      'waitlisted 102',
      'registered',
    ]);
  });

  test('ends the offer of whoever asks, though it is not its turn to end', () => {
    const { state, newId } = withOffers(EXPIRY_MAX_OFFERS + 2, 0);
    const last = `u${EXPIRY_MAX_OFFERS + 1}`;
    const batch = decideBatch(state, [pendingOf(register(last))], { now: at(30), newId });
    expect(batch.decided[0]?.outcome.type).toBe('registered');
    const changes = batch.draft.changes.map(({ type }) => type) ?? [];
    expect(changes.slice(-2)).toEqual(['offerExpired', 'registered']);
    expect(changes.length).toBe(EXPIRY_MAX_OFFERS + 2);
    expect(batch.draft.actors.slice(-2)).toEqual([null, 'ada']);
  });

  test('takes an update with what is due, and its seats come next', () => {
    const { state, newId } = withOffers(20, 100);
    const raise = pendingOf(update({ capacity: 100 }));
    const { draft, decided } = decideBatch(state, [raise, pendingOf(read)], {
      ...{ now: at(30), newId },
    });
    const kinds = draft.changes.map(({ type }) => type);
    expect(kinds.indexOf('updated')).toBe(40);
    expect(kinds.slice(41)).toEqual(Array(19).fill('offered'));
    expect(decided.length).toBe(2);
  });

  test('ends the offer of who asks, beside all that is due', () => {
    const { state, newId } = withOffers(EXPIRY_MAX_OFFERS + 1, EXPIRY_MAX_OFFERS);
    const key = { id: 'k', fingerprint: 'f' };
    const last = { ...pendingOf(register(`u${EXPIRY_MAX_OFFERS}`)), key };
    const { draft } = decideBatch(state, [last], { now: at(30), newId });
    state.applyCommit(draft.changes, 99);
    const { outcome } = decide(state, read, { now: at(30), newId });
    expect(inShort(outcome)).toBe(`read 2 0 +${EXPIRY_MAX_OFFERS}`);
  });

  test('ends so many offers and no more in one decision, and the others in the next', () => {
    const { state, newId, run } = withOffers(EXPIRY_MAX_OFFERS + 1);
    const { changes: due } = decideBatch(state, [], { now: at(30), newId }).draft;
    expect(due.filter(({ type }) => type === 'offerExpired').length).toBe(EXPIRY_MAX_OFFERS);
    expect(due.filter(({ type }) => type === 'offered').length).toBe(EXPIRY_MAX_OFFERS);
    state.applyCommit(due, 99);
    expect(inShort(run(30, read))).toBe(`read 1 0 +${EXPIRY_MAX_OFFERS + 1}`);
  });
});
