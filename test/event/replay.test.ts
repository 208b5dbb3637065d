import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import type { EventPatch } from '../../src/event/model.ts';
import type { SeenChange, SeenEntry } from '../../src/event/seen-log.ts';
import { STEP_MAX_SEATS } from '../../src/limits.ts';
import { faultOf, LogWriter, rechain, withoutUsers } from '../support/logs.ts';
import { eventOf } from '../support/model.ts';

const register = (userId: string): Command => ({ type: 'register', userId });
const unregister = (userId: string): Command => ({ type: 'unregister', userId });
const leave = (userId: string): Command => ({ type: 'leaveLine', userId });
const update = (patch: EventPatch): Command => ({
  ...{ type: 'update', patch, revisions: null, isDryRun: false },
});
const override = (userId: string): Command => ({
  ...{ type: 'register', userId, override: { reason: 'asked' } },
});

const ID = '11111111-1111-4111-8111-111111111111';

/** The log with other changes in one entry, and chains that fit: only the rules can find it. */
async function alter(
  entries: SeenEntry[],
  version: number,
  to: (changes: SeenChange[]) => SeenChange[],
): Promise<SeenEntry[]> {
  return rechain(
    entries.map((entry) =>
      entry.version === version ? { ...entry, changes: to(entry.changes) } : entry,
    ),
  );
}

/** A change as if somebody had given up the place by themselves. */
function withoutMark(change: SeenChange): SeenChange {
  if (!('erased' in change)) return change;
  const { erased: _, ...others } = change;
  return others;
}

const typesOf = (entries: SeenEntry[]) =>
  entries.map(({ changes }) => changes.map(({ type }) => type).join(' '));

describe('a log that holds', () => {
  test('of every kind of change, with and without users', async () => {
    const writer = await LogWriter.open(1, ['a', 'b', 'c', 'd', 'e']);
    await writer.commit([unregister('a'), leave('d'), override('e')]);
    await writer.commit([update({ capacity: 4 }), register('f')]);
    await writer.commit([update({ name: 'Renamed' })]);
    await writer.commit([update({ status: 'PAUSED' }), override('g'), unregister('b')]);
    await writer.commit([{ type: 'cancel', revisions: null }, unregister('e')]);
    const types = writer.entries.flatMap(({ changes }) => changes.map(({ type }) => type));
    expect(new Set(types).size).toBe(8);
    expect(await faultOf(writer.entries)).toBeNull();
    expect(await faultOf(withoutUsers(writer.entries))).toBeNull();
  });

  test('with a raise step by step, while it is under way, and with others in between', async () => {
    const users = Array.from({ length: 150 }, (_, i) => `u${i}`);
    const alone = await LogWriter.open(1, users);
    await alone.commit([update({ capacity: 140 })]);
    expect(typesOf(alone.entries).at(-3)).toMatch(/^event.updated( registration.promoted){48}$/);
    const busy = await LogWriter.open(1, users);
    await busy.decide([update({ capacity: 140 })]);
    expect(await faultOf(busy.entries)).toBeNull();
    await busy.decide([register('late'), unregister('u0'), leave('u149')]);
    expect(typesOf(busy.entries).at(-1)).toMatch(
      /^(registration.promoted ){32}waitlist.joined registration.cancelled registration.promoted /,
    );
    await busy.decide([update({ capacity: 145 })]);
    await busy.commit([register('later')]);
    for (const { entries, state } of [alone, busy]) {
      expect(state.registeredCount).toBe(state.event?.capacity);
      expect(await faultOf(entries)).toBeNull();
      expect(await faultOf(withoutUsers(entries))).toBeNull();
    }
  });

  test('with places that erasures gave up: a seat, an offer, an entry', async () => {
    const writer = await LogWriter.open(1, ['a', 'b', 'c', 'd']);
    const giveUp = (userId: string): Command => ({ type: 'giveUp', userId });
    await writer.commit([giveUp('c'), giveUp('a'), giveUp('x')]);
    await writer.commit([update({ offerSeconds: 60 }), unregister('b')]);
    await writer.commit([giveUp('d'), { type: 'cancel', revisions: null }, giveUp('d')]);
    const marked = writer.entries.flatMap(({ changes }) =>
      changes.flatMap((change) => ('erased' in change ? change.type : [])),
    );
    expect(marked).toEqual(['waitlist.left', 'registration.cancelled', 'offer.declined']);
    expect(await faultOf(writer.entries)).toBeNull();
    expect(await faultOf(writer.entries.slice(3))).toBeNull();
    expect(await faultOf(withoutUsers(writer.entries))).toBeNull();
    // Whether it was an erasure is part of what the chain proves.
    const unmarked = writer.entries.map((entry) => ({
      ...entry,
      changes: entry.changes.map((change) => withoutMark(change)),
    }));
    expect(await faultOf(unmarked)).toContain('was altered');
  });

  test('with offers that are taken, declined and over', async () => {
    const writer = await LogWriter.open(1, ['a', 'b', 'c', 'd', 'e', 'f']);
    await writer.commit([update({ offerSeconds: 60 })]);
    await writer.commit([unregister('a')]);
    await writer.commit([leave('b')]);
    await writer.commit([register('c'), unregister('c')]);
    writer.now += 60_000;
    // Whoever comes first finds the offer over, and its seat with the next.
    await writer.commit([register('g')]);
    await writer.commit([override('e')]);
    await writer.commit([update({ capacity: 3 })]);
    await writer.commit([{ type: 'cancel', revisions: null }]);
    const types = new Set(writer.entries.flatMap(({ changes }) => changes.map(({ type }) => type)));
    for (const type of ['made', 'accepted', 'declined', 'expired']) {
      expect(types).toContain(`offer.${type}`);
    }
    expect(await faultOf(writer.entries)).toBeNull();
    expect(await faultOf(withoutUsers(writer.entries))).toBeNull();
    // Also without the beginning.
    expect(await faultOf(writer.entries.slice(1))).toBeNull();
  });

  test('with more offers that end at once than one step ends', async () => {
    const users = Array.from({ length: 81 }, (_, i) => `u${i}`);
    const writer = await LogWriter.open(1, users);
    await writer.commit([update({ capacity: 81, offerSeconds: 60 })]);
    expect(writer.state.offeredCount).toBe(80);
    writer.now += 60_000;
    // The offer of somebody who asks is over, and ends before its turn.
    await writer.commit([register('u80')]);
    expect(
      writer.entries
        .at(-1)
        ?.changes.map(({ type }) => type)
        .slice(-3),
    ).toEqual([...['offer.expired', 'offer.expired', 'registration.created']]);
    for (let i = 0; i < 3; i++) await writer.commit([{ type: 'wake' }]);
    expect(writer.state.offeredCount).toBe(0);
    expect(await faultOf(writer.entries)).toBeNull();
    expect(await faultOf(withoutUsers(writer.entries))).toBeNull();
  });

  test('with a line that ends: a free seat is anybody’s then', async () => {
    const writer = await LogWriter.open(1, ['a', 'b', 'c']);
    const promotesUntil = new Date(writer.now + 2_500).toISOString();
    await writer.commit([update({ promotesUntil })]);
    await writer.commit([unregister('a')]);
    await writer.commit([unregister('b')]);
    await writer.commit([register('x')]);
    await writer.commit([update({ capacity: 2 }), register('c')]);
    const types = writer.entries.flatMap(({ changes }) => changes.map(({ type }) => type));
    expect(types.slice(-4)).toEqual([
      ...['registration.created', 'event.updated', 'waitlist.left', 'registration.created'],
    ]);
    expect(await faultOf(writer.entries)).toBeNull();
    expect(await faultOf(writer.entries.slice(1))).toBeNull();
  });

  test.each([
    ['an offer that is made to somebody else', 'offer.made', { position: 3 }],
    ['an offer that ends later', 'offer.made', { expiresAt: '2099-01-01T00:00:00.000Z' }],
    ['an offer that is taken by nobody', 'offer.accepted', { offerId: ID }],
    ['an offer that is over too soon', 'offer.declined', { type: 'offer.expired' }],
  ])('but not %s', async (_, type, wrong) => {
    const writer = await LogWriter.open(1, ['a', 'b', 'c', 'd']);
    await writer.commit([update({ offerSeconds: 60 })]);
    await writer.commit([unregister('a')]);
    await writer.commit([leave('b')]);
    await writer.commit([register('c')]);
    const { version = 0 } =
      writer.entries.find(({ changes }) => changes.some((each) => each.type === type)) ?? {};
    const altered = await alter(writer.entries, version, (changes) =>
      changes.map((each) => (each.type === type ? ({ ...each, ...wrong } as SeenChange) : each)),
    );
    expect(await faultOf(altered)).toContain(`Version ${version}:`);
    expect(await faultOf(withoutUsers(altered))).toContain(`Version ${version}:`);
  });

  test('what a raise owes comes before anything else, and in steps that are not too small', async () => {
    const users = Array.from({ length: 150 }, (_, i) => `u${i}`);
    const writer = await LogWriter.open(1, users);
    await writer.decide([update({ capacity: 140 })]);
    const next = writer.state.version + 1;
    await writer.commit([leave('u149')]);
    expect(await faultOf(writer.entries)).toBeNull();
    const without = (count: number) =>
      alter(writer.entries, next, (changes) => changes.toSpliced(0, count));
    expect(await faultOf(await without(STEP_MAX_SEATS))).toBe(
      `Version ${next}: waitlist.left at position 149 is there, and by the rules it is registration.promoted at position 49.`,
    );
    const fewer = await alter(writer.entries, next, (changes) => changes.toSpliced(20, 12));
    expect(await faultOf(fewer)).toBe(
      `Version ${next}: waitlist.left at position 149 is there, and by the rules it is registration.promoted at position 69.`,
    );
  });

  test('registrations follow the window at the time of their entry', async () => {
    const writer = new LogWriter();
    const at = (seconds: number) => new Date(writer.now + seconds * 1_000).toISOString();
    const window = { registrationOpensAt: at(2), registrationClosesAt: at(4) };
    await writer.commit([{ type: 'create', event: { ...eventOf(3), ...window } }]);
    for (const userId of ['opens', 'open', 'closed']) await writer.commit([register(userId)]);
    expect(writer.entries).toHaveLength(3);
    expect(await faultOf(writer.entries)).toBeNull();
    const late = writer.entries.map((entry) => ({ ...entry, at: at(1) }));
    expect(await faultOf(await rechain(late))).toBe(
      'Version 2: registration.created is refused by the rules (closed already).',
    );
    const early = writer.entries.map((entry) => ({ ...entry, at: at(-4) }));
    expect(await faultOf(await rechain(early))).toContain('(not open yet)');
  });
});

describe('the chain', () => {
  const open = () => LogWriter.open(2, ['a', 'b', 'c', 'd']);

  test('shows an entry that was altered', async () => {
    const { entries } = await open();
    const altered = entries.map((entry) =>
      entry.version === 3 ? { ...entry, at: '2026-01-01T00:00:59.000Z' } : entry,
    );
    expect(await faultOf(altered)).toMatch(/^Version 3: does not follow from version 2: /);
    const first = entries.with(0, { ...(entries[0] as SeenEntry), at: '2026-01-01T00:00:59.000Z' });
    expect(await faultOf(first)).toMatch(/^Version 1: begins the log, and its chain is not/);
  });

  test('shows an entry that was removed', async () => {
    const { entries } = await open();
    expect(await faultOf(entries.toSpliced(2, 1))).toMatch(
      /^Version 4: does not follow from version 2: /,
    );
  });

  test('shows an entry that was added', async () => {
    const { entries } = await open();
    const [, , , , last] = entries;
    const added = { ...(last as SeenEntry), version: 9 };
    expect(await faultOf([...entries, added])).toMatch(/^Version 9: does not follow/);
  });

  test('shows entries in another order', async () => {
    const { entries } = await open();
    const [a, b] = [entries[1] as SeenEntry, entries[2] as SeenEntry];
    expect(await faultOf(entries.toSpliced(1, 2, b, a))).toMatch(/^Version 3: does not follow/);
    expect(await faultOf([...entries, b])).toMatch(/^Version 3: comes after version 5/);
    expect(await faultOf([...entries, entries[4] as SeenEntry])).toMatch(/^Version 5: comes after/);
  });

  test('shows an entry without a change', async () => {
    const { entries } = await open();
    const empty = { version: 6, at: '2026-01-01T00:01:00.000Z', chain: '', changes: [] };
    expect(await faultOf(await rechain([...entries, empty]))).toBe(
      'Version 6: has no change, and is in the log.',
    );
  });

  test('has the receipts that were given out, and no others', async () => {
    const { entries } = await open();
    const receipt = { version: 3, chain: entries[2]?.chain ?? '' };
    expect(await faultOf(entries, receipt)).toBeNull();
    expect(await faultOf(entries, { ...receipt, chain: entries[1]?.chain ?? '' })).toMatch(
      /^Version 3: has the chain [0-9a-f]{64}, and the receipt has another\.$/,
    );
    expect(await faultOf(entries, { ...receipt, version: 8 })).toBe(
      'Version 8: the receipt is not in the log.',
    );
    expect(await faultOf(entries.slice(3), receipt)).toBe(
      'Version 3: the receipt is older than the log, which begins with version 4.',
    );
  });
});

describe('the rules show, though the chain fits,', () => {
  const seat = (userId: string, more = {}): SeenChange => ({
    ...{ type: 'registration.created', registrationId: ID, userId, ...more },
  });
  const entry = (userId: string, position: number): SeenChange => ({
    ...{ type: 'waitlist.joined', entryId: ID, userId, position },
  });
  /** The log of these users in an event of two seats, with one more entry. */
  async function after(users: string[], changes: SeenChange[], patch?: EventPatch) {
    const writer = await LogWriter.open(2, users);
    if (patch) await writer.commit([update(patch)]);
    const version = writer.state.version + 1;
    const at = new Date(writer.now + 1_000).toISOString();
    return faultOf(await rechain([...writer.entries, { version, at, chain: '', changes }]));
  }

  test('a seat beyond the capacity without an override', async () => {
    expect(await after(['a', 'b'], [seat('x')])).toBe(
      'Version 4: registration.created is there, and by the rules it is waitlist.joined at position 1.',
    );
    expect(await after(['a', 'b'], [seat('x')], { hasWaitlist: false })).toBe(
      'Version 5: registration.created is refused by the rules (full).',
    );
    expect(await after(['a', 'b'], [seat('x', { override: true })])).toBeNull();
  });

  test('an override that is not called one, and the other way round', async () => {
    const writer = await LogWriter.open(1, ['a']);
    await writer.commit([override('b')]);
    const hidden = await alter(writer.entries, 3, () => [
      { type: 'registration.created', registrationId: ID, userId: 'b' },
    ]);
    expect(await faultOf(hidden)).toContain('by the rules it is waitlist.joined at position 1');
  });

  test('somebody who was promoted past another', async () => {
    const writer = await LogWriter.open(1, ['a', 'b', 'c']);
    await writer.commit([unregister('a')]);
    const [, , , c] = writer.entries;
    const last = c?.changes[0] as { entryId: string };
    const past = await alter(writer.entries, 5, ([left, promoted]) => [
      left as SeenChange,
      {
        ...(promoted as SeenChange),
        entryId: last.entryId,
        position: 2,
        userId: 'c',
      } as SeenChange,
    ]);
    expect(await faultOf(past)).toBe(
      `Version 5: registration.promoted has entryId "${last.entryId}", position 2, userId "c"; by the rules it has entryId "00000000-0000-4000-8000-000000000002", position 1, userId "b".`,
    );
    expect(await faultOf(withoutUsers(past))).toMatch(/^Version 5: .* position 2; by the rules /);
  });

  test('a position that is given twice, is lower, or leaves one out', async () => {
    expect(await after(['a', 'b', 'c', 'd'], [entry('x', 3)])).toBeNull();
    for (const position of [2, 1, 4]) {
      expect(await after(['a', 'b', 'c', 'd'], [entry('x', position)])).toBe(
        `Version 6: waitlist.joined has position ${position}; by the rules it has position 3.`,
      );
    }
  });

  test('a free seat while somebody waits', async () => {
    const writer = await LogWriter.open(1, ['a', 'b']);
    await writer.commit([unregister('a')]);
    await writer.commit([register('c')]);
    const free = await alter(writer.entries, 4, ([left]) => [left as SeenChange]);
    expect(await faultOf(free)).toBe(
      'Version 4: by the rules registration.promoted at position 1 follows, and is missing.',
    );
    const raised = await after(
      ['a', 'b', 'c'],
      [{ type: 'event.updated', settings: { ...(await settings()), capacity: 3 } }],
    );
    expect(raised).toBe('Version 5: a seat is free after it, and somebody waits.');
  });

  test('a newcomer who was seated past the line', async () => {
    const writer = await LogWriter.open(1, ['a', 'b']);
    await writer.commit([unregister('a')]);
    const past = await alter(writer.entries, 4, ([left]) => [left as SeenChange, seat('x')]);
    expect(await faultOf(past)).toBe(
      'Version 4: registration.created is there, and by the rules it is registration.promoted at position 1.',
    );
    expect(await faultOf(withoutUsers(past))).toContain('Version 4: registration.created is there');
  });

  test('two places of one user', async () => {
    expect(await after(['a'], [seat('a')])).toContain('(already registered)');
    expect(await after(['a', 'b', 'c'], [entry('c', 2)])).toContain('(already waitlisted)');
  });

  test('a registration while it is paused, closed, or of a cancelled event', async () => {
    for (const status of ['PAUSED', 'CLOSED'] as const) {
      expect(await after(['a'], [seat('b')], { status })).toBe(
        `Version 4: registration.created is refused by the rules (${status.toLowerCase()}).`,
      );
    }
    const cancelled: SeenChange = {
      ...{ type: 'event.cancelled', settings: { ...(await settings()), status: 'CANCELLED' } },
    };
    expect(await after(['a'], [cancelled, seat('b')])).toContain('(cancelled)');
    expect(await after(['a'], [cancelled, seat('b', { override: true })])).toContain('(cancelled)');
    expect(await after(['a'], [cancelled, cancelled])).toBe(
      'Version 3: event.cancelled is there, and by the rules nothing changes.',
    );
    expect(await after(['a'], [{ ...cancelled, type: 'event.updated' }])).toContain(
      'event.updated is there, and by the rules it is event.cancelled',
    );
  });

  test('somebody who leaves and was not there, and an id that is given twice', async () => {
    const nobody: SeenChange = { type: 'registration.cancelled', registrationId: ID };
    expect(await after(['a'], [nobody])).toContain('(not registered)');
    expect(await after(['a'], [{ ...nobody, userId: 'a' }])).toContain('by the rules it has');
    const left: SeenChange = { type: 'waitlist.left', entryId: ID, position: 1 };
    expect(await after(['a'], [left])).toContain('(not waiting)');
    expect(await after([], [seat('x'), { ...nobody, userId: 'x' }, seat('x')])).toBe(
      `Version 2: the id ${ID} is given a second time.`,
    );
  });

  test('what else is not so by the rules', async () => {
    const promoted: SeenChange = {
      ...{ type: 'registration.promoted', registrationId: ID, entryId: ID, position: 1 },
    };
    expect(await after(['a'], [promoted])).toBe(
      'Version 3: registration.promoted at position 1 is there, and by the rules nothing changes.',
    );
    const created: SeenChange = { type: 'event.created', settings: await settings() };
    expect(await after([], [created])).toContain('(event exists)');
  });

  async function settings() {
    const [first] = (await LogWriter.open(2)).entries;
    const change = first?.changes[0];
    if (change?.type !== 'event.created') throw new Error('the first change creates the event');
    return change.settings;
  }
});
