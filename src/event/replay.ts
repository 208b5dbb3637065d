import { STEP_MAX_SEATS } from '../limits.ts';
import type { Command } from './command.ts';
import { decide } from './decide.ts';
import { Draft } from './draft.ts';
import { canonicalJson, type LogChange, toLogChange, withoutUser } from './log.ts';
import type { EventPatch } from './model.ts';
import { isDue } from './rules/offer.ts';
import { owedBy } from './rules/seating.ts';
import { LogFault, nameOf, type SeenChange, type SeenEntry } from './seen-log.ts';
import { type Change, EventState, rowChanges } from './state.ts';

/** Stands for the event's id, which the log does not tell, and which no rule depends on. */
const EVENT_ID = 'event';

/** How many seats and offers the line gets by the changes from this one on, before another kind of change. */
function givenFrom(changes: readonly SeenChange[], start: number): number {
  const end = changes.findIndex(
    ({ type }, i) => i >= start && type !== 'registration.promoted' && type !== 'offer.made',
  );
  return (end === -1 ? changes.length : end) - start;
}

/** The ids that changes gave to new rows, in order. */
function* newIdsOf(changes: SeenChange[]): Generator<string> {
  for (const change of changes) {
    if (change.type === 'waitlist.joined') yield change.entryId;
    if (change.type === 'registration.created') yield change.registrationId;
    if (change.type === 'registration.promoted') yield change.registrationId;
    if (change.type === 'offer.made') yield change.offerId;
    if (change.type === 'offer.accepted') yield change.registrationId;
  }
}

/** What is different in a change from what it has to be. */
function differenceOf(logged: SeenChange, wanted: Partial<LogChange>): string | null {
  const [is, must] = [logged, wanted].map((change) => Object.entries(change)) as [
    [string, unknown][],
    [string, unknown][],
  ];
  const differ = [...new Set([...is, ...must].map(([field]) => field))].filter(
    (field) =>
      canonicalJson(logged[field as keyof typeof logged] ?? null) !==
      canonicalJson(wanted[field as keyof typeof wanted] ?? null),
  );
  if (differ.length === 0) return null;
  const tell = (change: object) =>
    differ
      .map((field) => `${field} ${canonicalJson(change[field as keyof typeof change] ?? null)}`)
      .join(', ');
  return `${logged.type} has ${tell(logged)}; by the rules it has ${tell(wanted)}`;
}

/**
 * Replays a log from its beginning, by the rules that run. For each change it makes the command that must have
 * caused it, has `decide` decide that again at the time of the entry, and compares what is decided with what
 * the log has. Where no users are told, the id of a place stands for whoever has it.
 */
export class Replay {
  /** The event as it is after the entries that were followed. */
  readonly state = new EventState();
  readonly #userOf = new Map<string, string>();
  readonly #usedIds = new Set<string>();
  #nameCount = 0;

  /**
   * Replays the next entry.
   *
   * @throws LogFault when it does not follow by the rules
   */
  follow(entry: SeenEntry): void {
    const due = this.#dueAt(entry);
    let done = due ? this.#carryOut(due, entry, 0) : 0;
    for (let change = entry.changes[done]; change; change = entry.changes[done]) {
      const command = this.#causeOf(change, givenFrom(entry.changes, done));
      done += this.#carryOut(command, entry, done);
    }
  }

  /**
   * Says that this is the end of the log.
   *
   * @throws LogFault when something is still to come
   */
  end({ version, at, changes }: SeenEntry): void {
    // A raise whose seats are just being given goes on after the last entry, and so may the end of offers.
    const isUnderWay = changes.some((_, i) => givenFrom(changes, i) > 0);
    if (owedBy(this.state, Date.parse(at)) > 0 && !isUnderWay) {
      throw new LogFault(version, 'a seat is free after it, and somebody waits');
    }
  }

  /** What comes before anything else in an entry: a step of the seats that are owed, or what is due by the clock. */
  #dueAt({ at, changes }: SeenEntry): Command | null {
    const nowMs = Date.parse(at);
    const owed = owedBy(this.state, nowMs);
    if (owed > 0) {
      const least = Math.min(owed, STEP_MAX_SEATS);
      return { type: 'expire', most: Math.max(least, givenFrom(changes, 0)) };
    }
    return isDue(this.state, nowMs) ? { type: 'expire' } : null;
  }

  /**
   * Decides a command, and compares.
   *
   * @param done how many changes of the entry were there before
   * @returns how many it takes
   */
  #carryOut(command: Command, { version, at, changes }: SeenEntry, done: number): number {
    const rest = changes.slice(done);
    const ids = newIdsOf(rest);
    const newId = () => ids.next().value ?? '';
    const decision = decide(new Draft(this.state), command, { now: at, newId });
    const told = rest[0] ? nameOf(rest[0]) : 'nothing';
    if (decision.outcome.type === 'refused') {
      const reason = decision.outcome.reason.replaceAll('-', ' ');
      throw new LogFault(version, `${told} is refused by the rules (${reason})`);
    }
    if (decision.changes.length === 0) {
      throw new LogFault(version, `${told} is there, and by the rules nothing changes`);
    }
    for (const [i, change] of decision.changes.entries()) {
      const logged = rest[i];
      this.#compare(logged, toLogChange(change), version);
      this.#apply(change, version);
    }
    return decision.changes.length;
  }

  #compare(logged: SeenChange | undefined, wanted: LogChange, version: number): void {
    if (!logged)
      throw new LogFault(version, `by the rules ${nameOf(wanted)} follows, and is missing`);
    if (logged.type !== wanted.type) {
      const what = `${nameOf(logged)} is there, and by the rules it is ${nameOf(wanted)}`;
      throw new LogFault(version, what);
    }
    const isUserTold = 'userId' in logged && logged.userId !== undefined;
    const difference = differenceOf(logged, isUserTold ? wanted : withoutUser(wanted));
    if (difference) throw new LogFault(version, difference);
  }

  #apply(change: Change, version: number): void {
    for (const { op, id, row } of rowChanges(change)) {
      if (op === 'remove') {
        this.#userOf.delete(id);
        continue;
      }
      if (this.#usedIds.has(id)) throw new LogFault(version, `the id ${id} is given a second time`);
      this.#usedIds.add(id);
      this.#userOf.set(id, row.userId);
    }
    this.state.applyCommit([change], version);
  }

  /**
   * The command that must have caused a change.
   *
   * @param given how many seats the line gets by it and what follows
   */
  #causeOf(change: SeenChange, given: number): Command {
    // The log does not tell names, and a new one is a change too: so each update has a new one here.
    const name = `name ${++this.#nameCount}`;
    switch (change.type) {
      case 'event.created': {
        const { status: _, ...settings } = change.settings;
        return { type: 'create', event: { ...settings, eventId: EVENT_ID, name } };
      }
      case 'event.updated': {
        const patch = { ...change.settings, name } as EventPatch;
        return { type: 'update', patch, revisions: null, isDryRun: false };
      }
      case 'event.cancelled':
        return { type: 'cancel', revisions: null };
      case 'registration.created': {
        const userId = change.userId ?? change.registrationId;
        const override = change.override ? { override: { reason: '' } } : {};
        return { type: 'register', userId, ...override };
      }
      case 'waitlist.joined':
        return { type: 'register', userId: change.userId ?? change.entryId };
      case 'registration.cancelled': {
        const userId = this.#whoHas(change.registrationId, change.userId);
        return { type: change.erased ? 'giveUp' : 'unregister', userId };
      }
      case 'waitlist.left': {
        const userId = this.#whoHas(change.entryId, change.userId);
        return { type: change.erased ? 'giveUp' : 'leaveLine', userId };
      }
      case 'offer.accepted':
        return { type: 'register', userId: this.#whoHas(change.offerId, change.userId) };
      case 'offer.declined': {
        const userId = this.#whoHas(change.offerId, change.userId);
        return { type: change.erased ? 'giveUp' : 'leaveLine', userId };
      }
      // Another offer that was over than those that were due: of somebody who asked.
      case 'offer.expired':
        return { type: 'expire', userId: this.#whoHas(change.offerId, change.userId) };
      case 'registration.promoted':
      case 'offer.made':
        return { type: 'expire', most: given };
    }
  }

  /** Who has a place: the user that the log tells, or whoever stands for the user; nobody for an unknown place. */
  #whoHas(id: string, userId: string | undefined): string {
    return userId ?? this.#userOf.get(id) ?? '';
  }
}
