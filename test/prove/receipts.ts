import { isDeepStrictEqual } from 'node:util';
import {
  isChange,
  type Offered,
  type Operation,
  type Outcome,
  type Seat,
  type Settings,
  whenOf,
} from './history.ts';
import type { LogChange, LogEntry } from './log.ts';
import { RAISED_AT_ONCE, settingsOf } from './rules.ts';

/** A change of the log, and what comes after it. */
interface Logged {
  entry: LogEntry;
  change: LogChange;
  /** The next change of its entry. */
  next: LogChange | undefined;
  /** What follows it, in its entry and all later ones. */
  after: LogChange[];
  /** Whether somebody was told of it. */
  isTold: boolean;
}

/** The receipt of an entry. */
export const toReceipt = ({ version, chain }: LogEntry) => `${version}.${chain}`;

/**
 * Where log and receipts do not fit: every change that was acknowledged is in the entry that its
 * receipt names, no two are the same, what was refused has no receipt, and whatever else is in the log
 * was asked for by somebody who was told nothing.
 */
export function checkReceipts(operations: Operation[], entries: readonly LogEntry[]): string[] {
  const logged = listChanges(entries);
  const byReceipt = Map.groupBy(logged, ({ entry }) => toReceipt(entry));
  const faults: string[] = [];
  for (const operation of operations) {
    const { client, request, outcome, receipt } = operation;
    const fail = (what: string) =>
      faults.push(`${client} ${request.type} (${outcome.type}): ${what}`);
    if (outcome.type === 'unknown' || outcome.type === 'tables') continue;
    if (receipt === null) {
      if (!mayLackReceipt(outcome)) fail('no receipt');
      continue;
    }
    if (!isChange(outcome)) {
      fail(`a receipt for what changed nothing: ${receipt}`);
      continue;
    }
    const entry = byReceipt.get(receipt);
    if (!entry) {
      fail(`the log has no entry of the receipt ${receipt}`);
      continue;
    }
    const mine = entry.find((each) => !each.isTold && isOf(operation, each));
    if (!mine) fail(`what was acknowledged is not in the entry of its receipt, ${receipt}`);
    else {
      mine.isTold = true;
      const { from, until } = whenOf(operation);
      const at = Date.parse(mine.entry.at);
      if (at < from || at > until) fail(`decided at ${mine.entry.at}, by the log`);
    }
  }
  return [...faults, ...unasked(operations, logged)];
}

/**
 * The history without the requests that were never carried out, by the log: whose outcome is unknown, and which can
 * have caused no change but one that somebody else was told of. That the log leaves nothing out is checked by itself.
 */
export function carriedOut(operations: Operation[], entries: readonly LogEntry[]): Operation[] {
  const logged = listChanges(entries);
  const byReceipt = Map.groupBy(logged, ({ entry }) => toReceipt(entry));
  for (const operation of operations) {
    const entry = operation.receipt === null ? [] : (byReceipt.get(operation.receipt) ?? []);
    const mine = entry.find((each) => !each.isTold && isOf(operation, each));
    if (mine) mine.isTold = true;
  }
  const untold = logged.filter(({ isTold }) => !isTold);
  return operations.filter(
    (operation) =>
      operation.outcome.type !== 'unknown' || untold.some((each) => mayHaveCaused(operation, each)),
  );
}

function listChanges(entries: readonly LogEntry[]): Logged[] {
  const all = entries.flatMap(({ changes }) => changes);
  let i = 0;
  return entries.flatMap((entry) =>
    entry.changes.map((change, j) => ({
      entry,
      change,
      next: entry.changes[j + 1],
      after: all.slice(++i),
      isTold: false,
    })),
  );
}

/** Whether it may be that nothing was changed: the event was so already. */
function mayLackReceipt(outcome: Outcome): boolean {
  if (outcome.type === 'updated') return outcome.promoted.length + outcome.offered.length === 0;
  return outcome.type === 'cancelled' || !isChange(outcome);
}

/** Whether a change is the one that was acknowledged. */
function isOf({ request, outcome }: Operation, { change, next, after }: Logged): boolean {
  const userId = 'userId' in request ? request.userId : '';
  switch (outcome.type) {
    case 'created': {
      if (change.type !== 'event.created') return false;
      const { capacity, hasWaitlist } = change.settings;
      return capacity === outcome.capacity && hasWaitlist === outcome.hasWaitlist;
    }
    case 'registered': {
      const isNew = change.type === 'registration.created';
      if (!isNew && change.type !== 'offer.accepted') return false;
      if (change.registrationId !== outcome.id || change.userId !== userId) return false;
      return !isNew || (change.override === true) === (request.type === 'override');
    }
    case 'declined': {
      const { id: offerId, position } = outcome.offer;
      const isOwn = outcome.offer.userId === userId;
      return (
        isOwn && isDeepStrictEqual(change, { type: 'offer.declined', offerId, position, userId })
      );
    }
    case 'waitlisted':
    case 'leftLine': {
      const type = outcome.type === 'waitlisted' ? 'waitlist.joined' : 'waitlist.left';
      const { id: entryId, position } = outcome;
      return isDeepStrictEqual(change, { type, entryId, position, userId });
    }
    case 'unregistered':
      return (
        change.type === 'registration.cancelled' &&
        change.userId === userId &&
        (outcome.promoted || outcome.offered
          ? isGiven(outcome.promoted ? [outcome.promoted] : [], after) &&
            isOffered(outcome.offered ? [outcome.offered] : [], after)
          : next?.type !== 'registration.promoted' && next?.type !== 'offer.made')
      );
    case 'updated':
      return (
        change.type === 'event.updated' &&
        isDeepStrictEqual(settingsOf(change.settings), outcome.settings) &&
        isGivenInTime(outcome, withoutEnds(after))
      );
    case 'cancelled':
      return change.type === 'event.cancelled';
    default:
      return false;
  }
}

/** Whether those who got a seat by a raise follow it in order: the first at once, the others with others in between. */
function isGivenInTime(
  { promoted, offered }: Extract<Outcome, { type: 'updated' }>,
  after: LogChange[],
): boolean {
  if (promoted.length <= RAISED_AT_ONCE)
    return isGiven(promoted, after) && isOffered(offered, after);
  if (!isGiven(promoted.slice(0, RAISED_AT_ONCE), after)) return false;
  const ids = new Set(promoted.map(({ id }) => id));
  const told = after.filter(
    (change) => change.type === 'registration.promoted' && ids.has(change.registrationId),
  );
  return isGiven(promoted, told);
}

/** Whether those who were promoted with a change follow it at once, in order. */
function isGiven(promoted: readonly Seat[], after: LogChange[]): boolean {
  return promoted.every(({ userId, id }, i) => {
    const change = after[i];
    return (
      change?.type === 'registration.promoted' &&
      change.userId === userId &&
      change.registrationId === id
    );
  });
}

/** Whether those who were offered a seat with a change follow it at once, in order. */
function isOffered(offered: readonly Offered[], after: LogChange[]): boolean {
  return offered.every(({ userId, id: offerId, position, expiresAt }, i) => {
    const { entryId, ...told } = after[i]?.type === 'offer.made' ? after[i] : { entryId: '' };
    return isDeepStrictEqual(told, { type: 'offer.made', offerId, position, expiresAt, userId });
  });
}

/** What follows the ends of offers that a change caused. */
function withoutEnds(after: LogChange[]): LogChange[] {
  const first = after.findIndex(({ type }) => type !== 'offer.expired');
  return first === -1 ? [] : after.slice(first);
}

/** Changes that nobody was told of, and nobody can have asked for. One request explains one change. */
function unasked(operations: Operation[], logged: Logged[]): string[] {
  const untold = logged.filter((each) => !each.isTold && !followsByItself(each));
  const open = operations.filter(({ outcome }) => outcome.type === 'unknown');
  const explained = new Map<Operation, Logged>();
  /** Finds a request for a change; one that explains another change may have to explain this one instead. */
  const explain = (each: Logged, tried: Set<Operation>): boolean =>
    open.some((operation) => {
      if (tried.has(operation) || !mayHaveCaused(operation, each)) return false;
      tried.add(operation);
      const other = explained.get(operation);
      if (other && !explain(other, tried)) return false;
      explained.set(operation, each);
      return true;
    });
  return untold
    .filter((each) => !explain(each, new Set()))
    .map(
      ({ entry, change }) =>
        `the log, version ${entry.version}, has what nobody asked for: ${JSON.stringify(change)}`,
    );
}

/**
 * Whether a change comes with another one, or by the clock: what becomes of a free seat, the end of an offer, or that
 * a user who waits takes a seat, by an override or after the end of the line.
 */
function followsByItself({ change, next }: Logged): boolean {
  switch (change.type) {
    case 'registration.promoted':
    case 'offer.made':
    case 'offer.expired':
      return true;
    case 'waitlist.left':
      return next?.type === 'registration.created' && next.userId === change.userId;
    default:
      return false;
  }
}

/** Whether a request of which nobody knows what came of it can have led to a change. */
function mayHaveCaused({ request, sentAt }: Operation, { change, entry }: Logged): boolean {
  if (Date.parse(entry.at) < whenOf({ sentAt, answeredAt: sentAt }).from) return false;
  const isUser = 'userId' in change && 'userId' in request && change.userId === request.userId;
  switch (change.type) {
    case 'event.created': {
      const { capacity, hasWaitlist } = change.settings;
      return (
        request.type === 'create' &&
        request.capacity === capacity &&
        request.hasWaitlist === hasWaitlist
      );
    }
    case 'event.updated':
      return request.type === 'update' && hasAll(change.settings, request.patch);
    case 'event.cancelled':
      return request.type === 'cancel';
    case 'registration.created':
      return isUser && request.type === (change.override ? 'override' : 'register');
    case 'waitlist.joined':
      return isUser && request.type === 'register';
    case 'registration.cancelled':
      return isUser && request.type === (change.erased ? 'giveUp' : 'unregister');
    case 'offer.accepted':
      return isUser && (request.type === 'register' || request.type === 'override');
    case 'waitlist.left':
    case 'offer.declined':
      return isUser && request.type === (change.erased ? 'giveUp' : 'leaveLine');
    case 'registration.promoted':
    case 'offer.made':
    case 'offer.expired':
      return false;
  }
}

const hasAll = (settings: Settings, patch: Partial<Settings>) =>
  isDeepStrictEqual({ ...settings, ...patch }, settings);
