import { eventSchema, userSchema } from '../http/schemas.ts';
import { CAPACITY_MAX, WAITLIST_MAX_ENTRIES } from '../limits.ts';
import { ROW_ATTRIBUTES, type RowTable } from '../store/rows.ts';
import { toRowKey } from '../store/tables.ts';
import { idOf, isUserId, type OldItem, show, toNewId, WORD_FOR } from './adoption-rows.ts';
import { type Books, countBooks, isUuid } from './books.ts';
import { readOldTime } from './old-times.ts';

/** What is to be written for one row. Each write is one transaction, or part of one. */
export type RowWrite =
  /** Sets attributes of the row. */
  | { op: 'set'; table: RowTable; id: string; old: OldItem; fields: OldItem }
  /** Moves the row to another id. */
  | { op: 'rename'; table: RowTable; id: string; old: OldItem; row: OldItem }
  /** Takes the row out of the indexes, and keeps it for a while as text. */
  | { op: 'setAside'; table: RowTable; id: string; old: OldItem; reason: string };

/** What taking over an event needs. */
export interface EventPlan {
  eventId: string;
  /** Why the event cannot be taken over; nothing of it is written then. */
  refusals: string[];
  /** What is changed when the event is taken over, for a person. */
  notes: string[];
  /** The writes, in order: after an interruption at any point, the line still has its order. */
  writes: RowWrite[];
  /** The attributes that the event item gets after the rows are written. */
  item: OldItem;
  books: Books;
  /** The users who have a place. */
  userIds: string[];
  /** The order number of each row after the writes, by row id. */
  orders: Record<RowTable, Map<string, number>>;
}

/** An event of the seed system: its item and its rows. */
export interface OldEvent {
  item: OldItem;
  seats: OldItem[];
  entries: OldItem[];
}

/** A row that may stay: what it will be, and what it is ordered by. */
interface Candidate {
  table: RowTable;
  /** The id that it has now. */
  id: string;
  old: OldItem;
  /** The row as it will be, without its order number. */
  row: OldItem & { userId: string };
  newId: string;
  time: string;
  position: number;
}

/** Sorts after every time. */
const NO_TIME = '~';

const compare = <T extends string | number>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);

/** By createdAt, then by id. */
const byTime = (a: Candidate, b: Candidate) => compare(a.time, b.time) || compare(a.newId, b.newId);

const byPosition = (a: Candidate, b: Candidate) => compare(a.position, b.position) || byTime(a, b);

/** Whether the positions can stay: whole numbers from 1, growing, and in the order of createdAt. */
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

/** A note about several rows; none for no rows. */
function noteOf(rows: number, what: string): string[] {
  return rows === 0 ? [] : [`${rows} ${what}`];
}

/** Why the event item cannot be taken over, and its fields as the service would have written them. */
function checkItem(item: OldItem, now: string): { refusals: string[]; fields: OldItem } {
  const time = readOldTime(item.createdAt);
  const fields = {
    eventId: item.eventId,
    name: item.name,
    capacity: item.capacity,
    // The default of the API.
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

/** Makes the plan of one event. It only depends on the rows, so after an interrupted run it plans the rest. */
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
      ...noteOf(moved, 'positions are given anew, in the order of the line'),
      ...noteOf(this.#renamed, 'rows get a new id, since theirs is no UUID'),
      ...noteOf(
        this.#timed,
        'rows have no valid createdAt: they come last, and get the current time',
      ),
      ...(free < 0 ? [`seats past the capacity are kept: ${-free}`] : []),
      ...(free > 0 && entries.length > 0
        ? [`${Math.min(free, entries.length)} people are promoted as soon as the event is loaded`]
        : []),
      ...(readOldTime(item.createdAt)
        ? []
        : [`createdAt is ${show(item.createdAt)}: it becomes now`]),
    ];
    return {
      eventId: String(item.eventId),
      refusals,
      notes,
      writes: [
        ...this.#aside,
        ...numbered.flatMap(({ writes }) => writes),
        // Positions that grow are written from the end, the others from the beginning: so the order never changes
        // in between.
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

  #setAside(table: RowTable, old: OldItem, reason: string): void {
    this.#aside.push({ op: 'setAside', table, id: idOf(table, old), old, reason });
  }

  /** The rows that may stay. The others are set aside. */
  *#candidates(table: RowTable, rows: OldItem[]): Generator<Candidate> {
    for (const old of rows) {
      const { userId } = old;
      if (table === 'registrations' && old.status !== 'ACTIVE') {
        this.#setAside(table, old, `its status is ${show(old.status)}, not "ACTIVE"`);
      } else if (typeof userId !== 'string' || !isUserId(userId)) {
        this.#setAside(table, old, `its userId is ${show(userId)}, which is no valid id`);
      } else {
        const time = readOldTime(old.createdAt);
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

  /** Keeps one place for each user: a seat before an entry, and the earlier of two. The others are set aside. */
  #choose(candidates: Candidate[]): { seats: Candidate[]; entries: Candidate[] } {
    const placeOf = new Map<string, Candidate>();
    const take = (each: Candidate) => {
      const { userId } = each.row;
      const other = placeOf.get(userId);
      if (!other) return placeOf.set(userId, each);
      const kept = `${WORD_FOR[other.table]} ${other.newId}`;
      this.#setAside(each.table, each.old, `user ${userId} has two places, and keeps ${kept}`);
    };
    const of = (table: RowTable) => candidates.filter((each) => each.table === table);
    for (const seat of of('registrations').sort(byTime)) take(seat);
    for (const entry of of('waitlist').sort(byPosition)) take(entry);
    const taken = [...placeOf.values()];
    return {
      seats: taken.filter(({ table }) => table === 'registrations'),
      entries: taken.filter(({ table }) => table === 'waitlist'),
    };
  }

  /** The row with its order number, and the writes that it needs. */
  #write(each: Candidate, order: number) {
    const { table, id, newId, old } = each;
    const row = { ...each.row, [ROW_ATTRIBUTES[table].order]: order } as OldItem & PlannedRow;
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

/** A planned row of either table, with all that the books count. */
type PlannedRow = { registrationId: string; entryId: string; userId: string } & {
  seq: number;
  position: number;
};

/**
 * Plans how to take over an event of the seed system: what each row needs, and the books that the event gets.
 *
 * @param now ISO 8601; replaces a createdAt that is not valid
 */
export function planEvent(event: OldEvent, now: string): EventPlan {
  return new Planner(event, now).plan();
}

/** What is wrong with a user's item, and its `createdAt` if that must be rewritten; null if not. */
export function planUser(item: OldItem): { faults: string[]; createdAt: string | null } {
  const time = readOldTime(item.createdAt);
  const faults = (userSchema.pick({ name: true }).safeParse(item).error?.issues ?? []).map(
    ({ message }) => `name ${message} (it is ${show(item.name)})`,
  );
  if (!isUserId(item.userId)) faults.push('nobody can ask for this id');
  if (!time) faults.push(`createdAt is ${show(item.createdAt)}, which is no time`);
  return { faults, createdAt: time && time.text !== item.createdAt ? time.text : null };
}
