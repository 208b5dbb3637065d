import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draft } from '../../src/event/draft.ts';
import { dueAtOf } from '../../src/event/due.ts';
import { type Offer, shownOffer } from '../../src/event/model.ts';
import { isReminder, type Pointer, pointerAt } from '../../src/event/outbox.ts';
import { dueReminders } from '../../src/event/reminders.ts';
import { type Change, EventState, type EventView } from '../../src/event/state.ts';
import {
  OUTBOX_MAX_MESSAGES,
  OUTBOX_MAX_OPEN,
  REMINDER_FIRST_INDEX,
  REMINDER_MIN_AGE_MS,
  TRANSACTION_MAX_ACTIONS,
} from '../../src/limits.ts';
import { at, counterIds, eventOf } from '../support/model.ts';

const LEAD_MS = 60_000;
const MIN_SECONDS = (LEAD_MS + REMINDER_MIN_AGE_MS) / 1_000;
const ms = (seconds: number) => Date.parse(at(seconds));
const newId = counterIds();

/** An offer of a position that is made at a second, and lasts for so many. */
const offerOf = (position: number, madeAt: number, seconds: number): Offer => ({
  ...{ offerId: newId(), userId: `u${position}`, eventId: 'e', position },
  ...{ createdAt: at(madeAt), expiresAt: at(madeAt + seconds) },
});

const opened = (offer: Offer): Change => {
  const { userId, eventId, position, createdAt, expiresAt } = offer;
  const entry = { entryId: newId(), userId, eventId, position, createdAt };
  return { type: 'offered', entry, offer, expiresAt };
};

/** An event with these offers, whose log is sent to `crm` up to its end. */
function open(...offers: Offer[]) {
  const state = new EventState();
  const event = { ...eventOf(1_000), status: 'OPEN' as const, createdAt: at(0) };
  state.applyCommit([{ type: 'created', event }], 1);
  for (const row of offers) state.applyRow({ op: 'add', table: 'offers', id: row.offerId, row });
  state.log = { version: 7, chain: 'c', from: 1, next: 1, nextAt: at(0) };
  state.pointers = [pointerAt('crm', 7)];
  const move = (to: Partial<Pointer>) => {
    state.pointers = state.pointers.map((each) => ({ ...each, ...to }));
  };
  const due = (seconds: number) =>
    dueReminders(state, state.pointers[0] ?? pointerAt('crm', 7), LEAD_MS, ms(seconds));
  const positions = (seconds: number) => due(seconds).map(({ offer }) => offer.position);
  const told = { endpoints: ['crm'], reminders: { leadMs: LEAD_MS, endpoints: ['crm'] } };
  const dueAt = (seconds: number) => {
    const time = dueAtOf(state, told, ms(seconds));
    return time === null ? null : new Date(time).toISOString();
  };
  const setLineEnd = (seconds: number | null) => {
    if (state.event)
      state.event = { ...state.event, promotesUntil: seconds === null ? null : at(seconds) };
  };
  /** As a delivery records it that has sent everything. */
  const send = (seconds: number) => {
    const last = due(seconds).at(-1)?.offer;
    if (last)
      move({ reminded: { end: Date.parse(last.expiresAt), position: last.position }, open: [] });
  };
  return { state, due, positions, dueAt, move, setLineEnd, send, told };
}

describe('a reminder', () => {
  test('is due so long before the end, at the millisecond, and the event is woken for it', () => {
    const { positions, due, dueAt, send } = open(offerOf(4, 0, 600));
    expect(dueAt(0)).toBe(at(540));
    expect(positions(539.999)).toEqual([]);
    const [reminder] = due(540);
    expect(reminder).toMatchObject({ version: 7, index: REMINDER_FIRST_INDEX + 4, at: at(540) });
    expect(reminder?.offer).toMatchObject({ position: 4, userId: 'u4', expiresAt: at(600) });
    expect(dueAt(545)).toBe(at(545));
    send(545);
    expect(positions(545)).toEqual([]);
    expect(dueAt(545)).toBe(at(600));
  });

  test('of a later time says when it was due; of an offer that is over there is none', () => {
    const { due, positions, dueAt } = open(offerOf(1, 0, 600));
    expect(due(599.999)[0]?.at).toBe(at(540));
    expect(positions(600)).toEqual([]);
    expect(dueAt(600)).toBe(at(600));
  });

  test('needs an offer that lasts five seconds longer than it', () => {
    expect(open(offerOf(1, 0, MIN_SECONDS)).positions(MIN_SECONDS - 1)).toEqual([1]);
    const short = open(offerOf(1, 0, MIN_SECONDS - 0.001));
    expect(short.positions(MIN_SECONDS - 1)).toEqual([]);
    expect(short.dueAt(0)).toBe(at(MIN_SECONDS - 0.001));
  });

  test('comes in the order of ends, and of positions where offers end together', () => {
    const { positions, send } = open(
      ...[offerOf(9, 0, 600), offerOf(3, 0, 601), offerOf(7, 0, 600), offerOf(1, 0, 900)],
    );
    expect(positions(540)).toEqual([7, 9]);
    send(540);
    expect(positions(541)).toEqual([3]);
    expect(positions(840)).toEqual([1]);
  });

  test('is one of as many as a delivery sends, and the others come next', () => {
    const count = OUTBOX_MAX_MESSAGES + 5;
    const { positions, send } = open(
      ...Array.from({ length: count }, (_, i) => offerOf(count - i, 0, 600)),
    );
    const first = positions(550);
    expect(first).toEqual(Array.from({ length: OUTBOX_MAX_MESSAGES }, (_, i) => i + 1));
    send(550);
    expect(positions(550)).toHaveLength(5);
  });

  test('follows the end of the line: earlier, later, and away', () => {
    const { positions, send, setLineEnd, dueAt, due } = open(
      offerOf(1, 0, 600),
      offerOf(2, 0, 700),
    );
    send(540);
    // Both end with the line now, and both are told of that end.
    setLineEnd(590);
    expect(dueAt(541)).toBe(at(541));
    expect(due(541).map(({ offer }) => [offer.position, offer.expiresAt])).toEqual([
      [1, at(590)],
      [2, at(590)],
    ]);
    send(541);
    expect(positions(541)).toEqual([]);
    setLineEnd(650);
    expect(dueAt(541)).toBe(at(541));
    expect(positions(541)).toEqual([1]);
    send(541);
    setLineEnd(null);
    expect(dueAt(541)).toBe(at(600));
    expect(positions(640)).toEqual([2]);
  });

  test('is begun at no endpoint that is down or wants no more; what failed is sent again', () => {
    const { state, positions, move, dueAt } = open(offerOf(1, 0, 600), offerOf(2, 0, 600));
    const failed = { version: 5, index: REMINDER_FIRST_INDEX + 2, attempts: 1, nextAt: ms(550) };
    const message = { version: 3, index: 0, attempts: 1, nextAt: ms(580) };
    const reminded = { end: ms(600), position: 2 };
    move({ open: [failed], reminded });
    expect(positions(549)).toEqual([]);
    expect(dueAt(549)).toBe(at(550));
    expect(positions(550)).toEqual([2]);
    // Of an offer that is over, or has no such end any more, nothing is left to be sent.
    expect(positions(600)).toEqual([]);
    state.pointers = [pointerAt('crm', 7)];
    move({ open: Array.from({ length: OUTBOX_MAX_OPEN }, () => message) });
    expect(positions(541)).toEqual([]);
    expect(dueAt(541)).toBe(at(580));
    move({ open: [], isEnded: true });
    expect(dueAt(541)).toBe(at(600));
  });

  test('keeps its version when it is tried again', () => {
    const { due, move } = open(offerOf(2, 0, 600));
    const failed = { version: 5, index: REMINDER_FIRST_INDEX + 2, attempts: 1, nextAt: ms(550) };
    move({ open: [failed], reminded: { end: ms(600), position: 2 } });
    expect(isReminder(failed)).toBe(true);
    expect(due(551)).toMatchObject([{ version: 5, index: failed.index }]);
  });

  test('is known of an endpoint that has got nothing yet, and of none without a log', () => {
    const { state, dueAt } = open(offerOf(1, 0, 600));
    state.pointers = [];
    expect(dueAt(0)).toBe(at(540));
    state.log = null;
    expect(dueAt(0)).toBe(at(600));
  });
});

describe('what a commit makes due', () => {
  const hash = async () => 'c';

  test('takes in the offers that it opens, and not those that it closes', async () => {
    const [first, second] = [offerOf(1, 0, 600), offerOf(2, 0, 700)];
    const { state, told } = open(first, second);
    const draft = new Draft(state);
    draft.apply([{ type: 'declined', offer: first }]);
    await draft.seal(8, at(1), { hash, logDays: 0, ...told });
    expect(draft.dueAt).toBe(ms(640));
    const third = offerOf(3, 0, 300);
    const more = new Draft(state);
    more.apply([opened(third)]);
    await more.seal(8, at(1), { hash, logDays: 0, ...told });
    expect(more.dueAt).toBe(ms(240));
    more.apply([{ type: 'declined', offer: third }]);
    await more.seal(8, at(1), { hash, logDays: 0, ...told });
    expect(more.dueAt).toBe(ms(540));
  });

  test('on top of another takes in the offers of that one', async () => {
    const { state, told } = open();
    const changes = Array.from({ length: TRANSACTION_MAX_ACTIONS }, (_, i) =>
      opened(offerOf(i + 1, 0, 300 + i)),
    );
    const seen: (number | null)[] = [];
    let base: EventView = state;
    for (const some of [changes.slice(0, 40), changes.slice(40, 80), changes.slice(80)]) {
      const draft = new Draft(base);
      draft.apply(some);
      await draft.seal(8, at(1), { hash, logDays: 0, ...told });
      seen.push(draft.dueAt);
      base = draft;
    }
    expect(seen).toEqual([ms(240), ms(240), ms(240)]);
  });
});

test('each offer that lasts long enough has a reminder for each end that it has', () => {
  const anyOffer = fc.record({ madeAt: fc.nat(300), seconds: fc.integer({ min: 10, max: 400 }) });
  const anyMove = fc.record({
    second: fc.nat(700),
    to: fc.option(fc.nat(800), { nil: null }),
  });
  fc.assert(
    fc.property(
      fc.array(anyOffer, { maxLength: 12 }),
      fc.array(anyMove, { maxLength: 3 }),
      (rows, moves) => {
        const { state, due, send, setLineEnd } = open();
        const offers = rows.map(({ madeAt, seconds }, i) => offerOf(i + 1, madeAt, seconds));
        const got = new Set<string>();
        const wanted = new Set<string>();
        for (let second = 0; second <= 700; second++) {
          for (const move of moves) if (move.second === second) setLineEnd(move.to);
          for (const row of offers) {
            if (row.createdAt === at(second))
              state.applyRow({ op: 'add', table: 'offers', id: row.offerId, row });
          }
          for (const offer of state.offered()) {
            if (!state.event) continue;
            const end = Date.parse(shownOffer(state.event, offer).expiresAt);
            const isLong = end - Date.parse(offer.createdAt) >= MIN_SECONDS * 1_000;
            const isSoon = end - LEAD_MS <= ms(second) && end > ms(second);
            if (isLong && isSoon) wanted.add(`${offer.position} ${end}`);
          }
          for (const { offer } of due(second)) {
            got.add(`${offer.position} ${Date.parse(offer.expiresAt)}`);
          }
          send(second);
          expect(due(second)).toEqual([]);
        }
        expect([...got].sort()).toEqual([...wanted].sort());
      },
    ),
    { numRuns: 60 },
  );
});
