import { isDeepStrictEqual } from 'node:util';
import type { Content, Outcome, Seat } from './history.ts';
import { settingsOf, UNTOLD } from './rules.ts';

const sameId = (a: string | null, b: string | null) => a === b || a === UNTOLD || b === UNTOLD;

/** Whether what somebody was told is what the rules answer. */
export function agrees(expected: Outcome, told: Outcome): boolean {
  switch (told.type) {
    case 'unknown':
      return true;
    case 'registered':
      return expected.type === 'registered';
    case 'waitlisted':
      return expected.type === 'waitlisted' && expected.position === told.position;
    case 'unregistered':
      return (
        expected.type === 'unregistered' && expected.promoted?.userId === told.promoted?.userId
      );
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
        sameSeats(expected.promoted, told.promoted)
      );
    case 'standing': {
      if (expected.type !== 'standing') return false;
      const { id, ...rest } = expected.standing;
      const { id: toldId, ...toldRest } = told.standing;
      return sameId(id, toldId) && isDeepStrictEqual(rest, toldRest);
    }
    case 'tables':
      return expected.type === 'tables' && sameContent(expected.content, told.content);
    case 'created':
    case 'cancelled':
    case 'read':
    case 'refused':
      return isDeepStrictEqual(expected, told);
  }
}

/** The same people in the same order, as far as their ids are known. */
function sameSeats(a: readonly Seat[], b: readonly Seat[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ userId, id }, i) => {
      const other = b[i];
      return other !== undefined && other.userId === userId && sameId(other.id, id);
    })
  );
}

function sameContent(expected: Content | null, found: Content | null): boolean {
  if (!expected || !found) return expected === null && found === null;
  return (
    isDeepStrictEqual(settingsOf(expected), settingsOf(found)) &&
    expected.lastPosition === found.lastPosition &&
    sameSeats(expected.seats, found.seats) &&
    sameSeats(expected.line, found.line) &&
    expected.line.every(({ position }, i) => found.line[i]?.position === position)
  );
}
