import { isDeepStrictEqual } from 'node:util';
import type { Content, Outcome, Page, Seat } from './history.ts';
import { settingsOf, toOffered, UNTOLD } from './rules.ts';

const sameId = (a: string | null, b: string | null) => a === b || a === UNTOLD || b === UNTOLD;

/** Whether the outcome that a client was told is the one that the rules expect. */
export function agrees(expected: Outcome, told: Outcome): boolean {
  switch (told.type) {
    case 'unknown':
      return true;
    case 'registered':
      return expected.type === 'registered' && isSameSeq(expected.seq, told.seq);
    case 'waitlisted':
      return expected.type === 'waitlisted' && expected.position === told.position;
    case 'unregistered':
      return (
        expected.type === 'unregistered' &&
        expected.promoted?.userId === told.promoted?.userId &&
        isSameSeq(expected.promoted?.seq, told.promoted?.seq) &&
        isDeepStrictEqual(expected.offered, told.offered)
      );
    case 'declined':
      return isDeepStrictEqual(expected, told);
    case 'leftLine':
      return (
        expected.type === 'leftLine' &&
        expected.position === told.position &&
        sameId(expected.id, told.id)
      );
    case 'updated':
      return (
        expected.type === 'updated' &&
        isDeepStrictEqual(expected.settings, told.settings) &&
        expected.revision === told.revision &&
        sameSeats(expected.promoted, told.promoted) &&
        isDeepStrictEqual(expected.offered, told.offered)
      );
    case 'standing': {
      if (expected.type !== 'standing') return false;
      const { id, ...rest } = expected.standing;
      const { id: toldId, ...toldRest } = told.standing;
      return sameId(id, toldId) && isDeepStrictEqual(rest, toldRest);
    }
    case 'page':
      return expected.type === 'page' && samePage(expected, told);
    case 'tables':
      return expected.type === 'tables' && sameContent(expected.content, told.content);
    case 'created':
    case 'gaveUp':
    case 'cancelled':
    case 'read':
    case 'looked':
    case 'refused':
      return isDeepStrictEqual(expected, told);
  }
}

/** Whether a seat has the order number that was told, if one was. The rules may only know bounds of the number. */
function isSameSeq(expected: number | undefined, told: number | undefined): boolean {
  if (told === undefined) return true;
  if (expected === undefined) return false;
  return Number.isInteger(expected) ? expected === told : expected < told;
}

/** Whether two lists have the same people in the same order, with the same ids as far as those are known. */
function sameSeats(expected: readonly Seat[], told: readonly Seat[]): boolean {
  return (
    expected.length === told.length &&
    expected.every(({ userId, id, seq }, i) => {
      const other = told[i];
      const isSame = other !== undefined && other.userId === userId && sameId(other.id, id);
      return isSame && isSameSeq(seq, other.seq);
    })
  );
}

/** Whether two pages have the same rows in the same order, and both or neither are followed by another page. */
function samePage(expected: Page, told: Page): boolean {
  const hasSameEnd =
    told.next === null
      ? expected.next === null
      : expected.next !== null && isSameSeq(expected.next, told.next);
  return (
    hasSameEnd &&
    sameSeats(expected.rows, told.rows) &&
    expected.rows.every((row, i) => {
      const other = told.rows[i];
      const position = other && 'position' in other ? other.position : undefined;
      if ('expiresAt' in row) return isDeepStrictEqual(row, other);
      return ('position' in row ? row.position : undefined) === position;
    })
  );
}

function sameContent(expected: Content | null, found: Content | null): boolean {
  if (!expected || !found) return expected === null && found === null;
  return (
    isDeepStrictEqual(settingsOf(expected), settingsOf(found)) &&
    expected.revision === found.revision &&
    expected.lastPosition === found.lastPosition &&
    sameSeats(expected.seats, found.seats) &&
    isDeepStrictEqual(expected.offers.map(toOffered), found.offers) &&
    sameSeats(expected.line, found.line) &&
    expected.line.every(({ position }, i) => found.line[i]?.position === position)
  );
}
