import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import type { LoggedSettings } from '../../src/event/log.ts';
import type { SeenChange, SeenEntry } from '../../src/event/seen-log.ts';
import { faultOf, LogWriter, rechain, withoutUsers } from '../support/logs.ts';
import { commands, eventOf } from '../support/model.ts';

/** The rules told again for a log that nothing promised to follow them: is it one that could have happened? */
function couldBe(entries: SeenEntry[]): boolean {
  let settings: LoggedSettings | null = null;
  const seats = new Map<string, string>();
  let line: { id: string; userId: string; position: number }[] = [];
  let positions = 0;
  const ids = new Set<string>();
  const isOwing = () =>
    settings !== null &&
    settings.status !== 'CANCELLED' &&
    seats.size < settings.capacity &&
    line.length > 0;
  const isNew = (id: string, userId: string) => {
    const isKnown = [...seats.values(), ...line.map((each) => each.userId)].includes(userId);
    if (ids.has(id) || isKnown) return false;
    ids.add(id);
    return true;
  };
  const holds = (change: SeenChange): boolean => {
    if (change.type === 'event.created') {
      if (settings || change.settings.status !== 'OPEN') return false;
      settings = change.settings;
      return true;
    }
    if (!settings) return false;
    const isOpen = settings.status === 'OPEN';
    const isCancelled = settings.status === 'CANCELLED';
    switch (change.type) {
      case 'event.updated':
        if (isCancelled || change.settings.status === 'CANCELLED') return false;
        settings = change.settings;
        return true;
      case 'event.cancelled': {
        const same = { ...settings, status: 'CANCELLED' as const };
        if (isCancelled || JSON.stringify(same) !== JSON.stringify(change.settings)) return false;
        settings = change.settings;
        return true;
      }
      case 'registration.created': {
        const { registrationId: id, userId = id, override } = change;
        const isFree = seats.size < settings.capacity && line.length === 0;
        if (isCancelled || !(override || (isOpen && isFree)) || !isNew(id, userId)) return false;
        seats.set(id, userId);
        return true;
      }
      case 'waitlist.joined': {
        const { entryId: id, userId = id, position } = change;
        const isFull = line.length > 0 || seats.size >= settings.capacity;
        const most = settings.waitlistCapacity ?? Number.POSITIVE_INFINITY;
        if (!isOpen || !isFull || !settings.hasWaitlist || line.length >= most) return false;
        if (position !== positions + 1 || !isNew(id, userId)) return false;
        positions++;
        line.push({ id, userId, position });
        return true;
      }
      case 'registration.cancelled': {
        const { registrationId: id, userId = seats.get(id) } = change;
        return seats.has(id) && seats.get(id) === userId && seats.delete(id);
      }
      case 'waitlist.left': {
        const found = line.find(({ id }) => id === change.entryId);
        if (found?.position !== change.position) return false;
        if (found.userId !== (change.userId ?? found.userId)) return false;
        line = line.filter((each) => each !== found);
        return true;
      }
      case 'registration.promoted': {
        const { registrationId, entryId, position, userId } = change;
        const first = line[0];
        if (!first || !isOwing() || first.id !== entryId || first.position !== position) {
          return false;
        }
        if (first.userId !== (userId ?? first.userId) || ids.has(registrationId)) return false;
        ids.add(registrationId);
        line = line.slice(1);
        seats.set(registrationId, first.userId);
        return true;
      }
      // No history here has offers: they have tests of their own.
      default:
        return false;
    }
  };
  let isCut = false;
  for (const { changes } of entries) {
    for (const change of changes) {
      if (isOwing() && change.type !== 'registration.promoted') return false;
      if (!holds(change)) return false;
    }
    // Only what gives seats away without anybody leaving may go on in the next entry.
    const [first, ...others] = changes.map(({ type }) => type);
    isCut = first === 'event.updated' || first === 'registration.promoted';
    const isLarge = isCut && others.every((type) => type === 'registration.promoted');
    if (isOwing() && !isLarge) return false;
  }
  return !isOwing();
}

/** Where something is put wrong. */
interface Spot {
  entry: number;
  change: number;
}

/** One thing that is put wrong; null where it can't be. */
type Mutation = (entries: SeenEntry[], spot: Spot) => SeenEntry[] | null;

const flatten = (entries: SeenEntry[]) =>
  entries.flatMap(({ changes }, entry) => changes.map((change) => ({ entry, change })));

const regroup = (entries: SeenEntry[], flat: { entry: number; change: SeenChange }[]) =>
  entries
    .map((entry, i) => ({
      ...entry,
      changes: flat.filter((each) => each.entry === i).map(({ change }) => change),
    }))
    .filter(({ changes }) => changes.length > 0);

const edit =
  (to: (change: SeenChange) => SeenChange | null): Mutation =>
  (entries, { entry, change }) => {
    const changed = to(entries[entry]?.changes[change] as SeenChange);
    if (!changed) return null;
    return entries.map((each, i) =>
      i === entry ? { ...each, changes: each.changes.with(change, changed) } : each,
    );
  };

const indexOf = (entries: SeenEntry[], { entry, change }: Spot) =>
  entries.slice(0, entry).reduce((sum, { changes }) => sum + changes.length, change);

const MUTATIONS: Record<string, Mutation> = {
  'two changes swapped': (entries, spot) => {
    const flat = flatten(entries);
    const i = indexOf(entries, spot);
    const [one, other] = [flat[i], flat[i + 1]];
    if (!one || !other) return null;
    const swapped = [
      { entry: one.entry, change: other.change },
      { entry: other.entry, change: one.change },
    ];
    return regroup(entries, flat.toSpliced(i, 2, ...swapped));
  },
  'a change dropped': (entries, spot) =>
    regroup(entries, flatten(entries).toSpliced(indexOf(entries, spot), 1)),
  'a change told twice': (entries, spot) => {
    const flat = flatten(entries);
    const i = indexOf(entries, spot);
    return regroup(entries, flat.toSpliced(i, 0, ...flat.slice(i, i + 1)));
  },
  'a position one higher': edit((change) =>
    'position' in change ? { ...change, position: change.position + 1 } : null,
  ),
  'a position one lower': edit((change) =>
    'position' in change ? { ...change, position: change.position - 1 } : null,
  ),
  'another user': edit((change) => ('userId' in change ? { ...change, userId: 'a' } : null)),
  'an override denied': edit((change) => {
    if (change.type !== 'registration.created' || !change.override) return null;
    const { override: _, ...rest } = change;
    return rest;
  }),
  'another capacity': edit((change) =>
    'settings' in change
      ? { ...change, settings: { ...change.settings, capacity: change.settings.capacity + 1 } }
      : null,
  ),
  'another status': edit((change) =>
    'settings' in change
      ? { ...change, settings: { ...change.settings, status: 'PAUSED' as const } }
      : null,
  ),
};

const cancel: Command = { type: 'cancel', revisions: null };

interface History {
  capacity: number;
  list: Command[];
  /** How many commands are committed together, over and over. */
  sizes: number[];
  /** Whether the event is cancelled before the last few. */
  isCancelled: boolean;
}

/** Offers and the end of the line have tests of their own: the judge above does not know them. */
const hasNoOffers = (command: Command) =>
  command.type !== 'update' ||
  !['startsAt', 'promotesUntil', 'offerSeconds'].some((field) => field in command.patch);

const history: fc.Arbitrary<History> = fc.record({
  capacity: fc.integer({ min: 1, max: 4 }),
  list: commands.map((list) => list.filter(hasNoOffers)),
  sizes: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 20 }),
  isCancelled: fc.boolean(),
});

async function write({ capacity, list, sizes, isCancelled }: History): Promise<SeenEntry[]> {
  const writer = new LogWriter();
  await writer.commit([{ type: 'create', event: eventOf(capacity) }]);
  const all = isCancelled ? list.toSpliced(-4, 0, cancel) : list;
  for (let i = 0, batch = 0; i < all.length; batch++) {
    const size = sizes[batch % sizes.length] ?? 1;
    await writer.commit(all.slice(i, i + size));
    i += size;
  }
  return writer.entries;
}

describe('the replay', () => {
  test('accepts whatever the rules decide', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (input) => {
        const entries = await write(input);
        expect(couldBe(entries)).toBe(true);
        expect(await faultOf(entries)).toBeNull();
        expect(await faultOf(withoutUsers(entries))).toBeNull();
      }),
      { numRuns: 200 },
    );
  });

  test('accepts what is left when the beginning has expired', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(), async (input, at) => {
        const entries = await write(input);
        fc.pre(entries.length > 1);
        const left = entries.slice(1 + (at % (entries.length - 1)));
        for (const each of [left, withoutUsers(left), await rechain(left)]) {
          expect(await faultOf(each)).toBeNull();
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each(Object.entries(MUTATIONS))(
    'rejects a log with %s when it could not have happened, and only then',
    async (_, mutate) => {
      let broken = 0;
      await fc.assert(
        fc.asyncProperty(history, fc.nat(), fc.nat(), async (input, at, inEntry) => {
          const entries = await write(input);
          const entry = at % entries.length;
          const change = inEntry % (entries[entry]?.changes.length ?? 1);
          const mutated = mutate(entries, { entry, change });
          // A log that does not begin with the event's creation is checked in another way.
          fc.pre(mutated?.[0]?.changes[0]?.type === 'event.created');
          if (!mutated) return;
          const chained = await rechain(mutated);
          const holds = couldBe(chained);
          expect((await faultOf(chained)) === null).toBe(holds);
          // Whoever may not see users finds less, and the same for what has nothing to do with users.
          const unseen = withoutUsers(chained);
          expect((await faultOf(unseen)) === null).toBe(couldBe(unseen));
          if (!holds) broken++;
        }),
        { numRuns: 150 },
      );
      // All of these break the rules often, or the test would say nothing.
      expect(broken).toBeGreaterThan(15);
    },
  );
});
