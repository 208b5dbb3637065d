import { eventSchema, userSchema } from '../http/schemas.ts';
import { CAPACITY_MAX, WAITLIST_MAX_ENTRIES } from '../limits.ts';
import { toRowKey } from '../store/tables.ts';
import {
  idOf,
  isUserId,
  type OldItem,
  ORDER_OF,
  type PlaceTable,
  show,
  toNewId,
  WORD_FOR,
} from './adoption-rows.ts';
import { type Books, countBooks, isUuid } from './books.ts';
import { toTime } from './old-times.ts';

/** What is to be written for one row. Each is applied whole, or not at all. */
export type RowWrite =
  /** Some attributes are given; the row stays where it is. */
  | { op: 'set'; table: PlaceTable; id: string; old: OldItem; fields: OldItem }
  /** The row is put under another id. */
  | { op: 'rename'; table: PlaceTable; id: string; old: OldItem; row: OldItem }
  /** The row goes out of the indexes, and is kept for a while as text. */
  | { op: 'setAside'; table: PlaceTable; id: string; old: OldItem; reason: string };

/** What taking over an event comes to. */
export interface EventPlan {
  eventId: string;
  /** Why the event cannot be taken as it is; nothing of it is written then. */
  refusals: string[];
  /** What is taken, though not as it was. */
  notes: string[];
  /** In the order in which they have to be written, so that a run that is cut short leaves the order as it was. */
  writes: RowWrite[];
  /** What the event item gets, once the rows are as they must be. */
  item: OldItem;
  books: Books;
  /** Who has a place. */
  userIds: string[];
  /** The order number of each row that will be there, by its id. */
  orders: Record<PlaceTable, Map<string, number>>;
}

/** What a plan is made of. */
export interface OldEvent {
  item: OldItem;
  seats: OldItem[];
  entries: OldItem[];
}

/** A row that is looked at: what it will be, and what it is ordered by. */
interface Candidate {
  table: PlaceTable;
  /** The id that it has. */
  id: string;
  old: OldItem;
  /** The row as it has to be, all but its order number. */
  row: OldItem & { userId: string };
  newId: string;
  time: string;
  position: number;
}

/** Sorts after every time. */
const NO_TIME = '~';

const compare = <T extends string | number>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);

/** By createdAt; what was created at once, by id. */
const byTime = (a: Candidate, b: Candidate) => compare(a.time, b.time) || compare(a.newId, b.newId);

const byPosition = (a: Candidate, b: Candidate) => compare(a.position, b.position) || byTime(a, b);

/** Whether the positions can stay: whole numbers from 1, none twice, and whoever came first is first. */
function areKept(entries: Candidate[]): boolean {
  const times = entries.map(({ time }) => time).filter((time) => time !== NO_TIME);
  return (
    entries.every(
      ({ position }, i) =>
        Number.isSafeInteger(position) &&
        position >= 1 &&
        position > (entries[i - 1]?.position ?? 0),
    ) && times.every((time, i) => time >= (times[i - 1] ?? ''))
  );
}

/** What a person is told of several rows of one kind. */
function count(rows: number, what: string): string[] {
  return rows === 0 ? [] : [`${rows} ${what}`];
}

/** Why the event item cannot be taken; what is left of it is what the service would have written. */
function checkItem(item: OldItem, now: string): { refusals: string[]; fields: OldItem } {
  const time = toTime(item.createdAt);
  const fields = {
    eventId: item.eventId,
    name: item.name,
    capacity: item.capacity,
    // What the API takes a missing one for.
    hasWaitlist: item.hasWaitlist ?? false,
    createdAt: time?.text ?? now,
  };
  const { data, error } = eventSchema
    .pick({ eventId: true, name: true, capacity: true, hasWaitlist: true, createdAt: true })
    .safeParse(fields);
  const refusals = (error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')} ${message} (it is ${show(item[String(path[0])])})`,
  );
  if (data && data.eventId !== item.eventId) {
    refusals.push('eventId begins or ends with blanks, so that nobody could ask for it');
  }
  return { refusals, fields: data ?? fields };
}

/** Makes the plan of one event. Pure: the same rows give the same plan, whatever was written of it before. */
class Planner {
  readonly #event: OldEvent;
  readonly #now: string;
  readonly #aside: RowWrite[] = [];
  #renamed = 0;
  #timed = 0;

  constructor(event: OldEvent, now: string) {
    this.#event = event;
    this.#now = now;
  }

  plan(): EventPlan {
    const { item } = this.#event;
    const { refusals, fields } = checkItem(item, this.#now);
    const candidates = [
      ...this.#candidates('registrations', this.#event.seats),
      ...this.#candidates('waitlist', this.#event.entries),
    ];
    const { seats, entries } = this.#choose(candidates);
    if (seats.length > CAPACITY_MAX) {
      refusals.push(`${seats.length} people have a seat; at most ${CAPACITY_MAX} can`);
    }
    if (entries.length > WAITLIST_MAX_ENTRIES) {
      refusals.push(`${entries.length} people wait; at most ${WAITLIST_MAX_ENTRIES} can`);
    }
    const isKept = areKept(entries);
    const numbered = seats.map((each, i) => this.#write(each, i + 1));
    const placed = entries.map((each, i) => this.#write(each, isKept ? each.position : i + 1));
    const rows = { seats: numbered.map(({ row }) => row), entries: placed.map(({ row }) => row) };
    const free = Number(item.capacity) - seats.length;
    const moved = placed.filter(({ from, row }) => from !== row.position).length;
    const notes = [
      ...count(moved, 'positions are given anew, in the order in which people wait'),
      ...count(this.#renamed, 'rows get a new id, since theirs is no UUID'),
      ...count(
        this.#timed,
        'rows have no createdAt that is a time: they come last, with that of now',
      ),
      ...(free < 0 ? [`${-free} people more have a seat than there are seats: all keep them`] : []),
      ...(free > 0 && entries.length > 0
        ? [
            `${Math.min(free, entries.length)} of those who wait get a free seat as soon as the event is asked for`,
          ]
        : []),
      ...(toTime(item.createdAt) ? [] : [`createdAt is ${show(item.createdAt)}: it becomes now`]),
    ];
    return {
      eventId: String(item.eventId),
      refusals,
      notes,
      writes: [
        ...this.#aside,
        ...numbered.flatMap(({ writes }) => writes),
        // Upwards from the end and downwards from the beginning: nobody passes anybody on the way.
        ...placed
          .filter(({ from, row }) => row.position > from)
          .reverse()
          .flatMap(({ writes }) => writes),
        ...placed.filter(({ from, row }) => row.position <= from).flatMap(({ writes }) => writes),
      ],
      item: Object.fromEntries(
        Object.entries(fields).filter(([name, value]) => item[name] !== value),
      ),
      books: countBooks(String(item.eventId), rows.seats, rows.entries),
      userIds: [...seats, ...entries].map(({ row }) => row.userId),
      orders: {
        registrations: new Map(rows.seats.map(({ registrationId, seq }) => [registrationId, seq])),
        waitlist: new Map(rows.entries.map(({ entryId, position }) => [entryId, position])),
      },
    };
  }

  #setAside(table: PlaceTable, old: OldItem, reason: string): void {
    this.#aside.push({ op: 'setAside', table, id: idOf(table, old), old, reason });
  }

  /** The rows that may be places. */
  *#candidates(table: PlaceTable, rows: OldItem[]): Generator<Candidate> {
    for (const old of rows) {
      const { userId } = old;
      if (table === 'registrations' && old.status !== 'ACTIVE') {
        this.#setAside(table, old, `its status is ${show(old.status)}, not "ACTIVE"`);
      } else if (typeof userId !== 'string' || !isUserId(userId)) {
        this.#setAside(table, old, `its userId is ${show(userId)}, which nobody can be`);
      } else {
        const time = toTime(old.createdAt);
        const id = idOf(table, old);
        const newId = isUuid(id) ? id : toNewId(table, id);
        const row = {
          ...old,
          ...toRowKey(table, newId),
          userId,
          createdAt: time?.text ?? this.#now,
        };
        const position = typeof old.position === 'number' ? old.position : Number.POSITIVE_INFINITY;
        yield { table, id, old, row, newId, time: time?.order ?? NO_TIME, position };
      }
    }
  }

  /** One place for each user: a seat rather than a place in line, and of two the earlier one. */
  #choose(candidates: Candidate[]): { seats: Candidate[]; entries: Candidate[] } {
    const placeOf = new Map<string, Candidate>();
    const take = (each: Candidate) => {
      const { userId } = each.row;
      const other = placeOf.get(userId);
      if (!other) return placeOf.set(userId, each);
      const kept = `${WORD_FOR[other.table]} ${other.newId}`;
      this.#setAside(each.table, each.old, `user ${userId} has two places, and keeps ${kept}`);
    };
    const of = (table: PlaceTable) => candidates.filter((each) => each.table === table);
    for (const seat of of('registrations').sort(byTime)) take(seat);
    for (const entry of of('waitlist').sort(byPosition)) take(entry);
    const taken = [...placeOf.values()];
    return {
      seats: taken.filter(({ table }) => table === 'registrations'),
      entries: taken.filter(({ table }) => table === 'waitlist'),
    };
  }

  /** The row with its order number, and what has to be written for that. */
  #write(each: Candidate, order: number) {
    const { table, id, newId, old } = each;
    const row = { ...each.row, [ORDER_OF[table]]: order } as OldItem & PlannedRow;
    const fields = Object.fromEntries(
      Object.entries(row).filter(([name, value]) => old[name] !== value),
    );
    if (each.time === NO_TIME) this.#timed++;
    if (newId !== id) this.#renamed++;
    const writes: RowWrite[] =
      newId !== id
        ? [{ op: 'rename', table, id, old, row }]
        : Object.keys(fields).length > 0
          ? [{ op: 'set', table, id, old, fields }]
          : [];
    return { from: each.position, row, writes };
  }
}

/** What the books are made of, of either kind of row. */
type PlannedRow = { registrationId: string; entryId: string; userId: string } & {
  seq: number;
  position: number;
};

/**
 * What it takes to make an event of an older system one of ours: what each row needs, and the books that
 * the event has then.
 *
 * @param now stands for a createdAt that is no time
 */
export function planEvent(event: OldEvent, now: string): EventPlan {
  return new Planner(event, now).plan();
}

/** What is wrong with a user's item, and what the service would have written. */
export function planUser(item: OldItem): { faults: string[]; createdAt: string | null } {
  const time = toTime(item.createdAt);
  const faults = (userSchema.pick({ name: true }).safeParse(item).error?.issues ?? []).map(
    ({ message }) => `name ${message} (it is ${show(item.name)})`,
  );
  if (!isUserId(item.userId)) faults.push('nobody can ask for this id');
  if (!time) faults.push(`createdAt is ${show(item.createdAt)}, which is no time`);
  return { faults, createdAt: time && time.text !== item.createdAt ? time.text : null };
}
