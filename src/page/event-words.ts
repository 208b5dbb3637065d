/** What the page of an event says: on its buttons, of one's place, and of an answer. */
import { type Action, hasLineEnded } from './action.ts';
import { type Answer, clock } from './api.ts';
import type { Press } from './press.ts';
import { shared, event as text } from './text/en.ts';
import { shortTime, timeLeft } from './when.ts';
import type { EventView, PlaceView } from './wire.ts';
import { count, fill } from './words.ts';

/** The language of the page. */
export const locale = document.body.dataset.locale ?? 'en';

/** The time zone of whoever reads. */
export const zoneOfReader = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const days = (n: number) => count(text, 'days', n, locale);

/** What a button says. */
export function labelOf(action: Action, now: number): string {
  switch (action.type) {
    case 'take':
      return fill(text.take, { left: timeLeft(action.untilMs - now, days) });
    case 'opens':
      return fill(text.opensIn, { left: timeLeft(action.atMs - now, days) });
    case 'paused':
      return text.isPaused;
    case 'closed':
      return text.isClosed;
    case 'cancelled':
      return text.isCancelled;
    default:
      return text[action.type];
  }
}

/** Where one stands: a line in bold, and one below. */
export function placeInWords(
  event: EventView | null,
  place: PlaceView | null,
  { isKnown, needsToken }: { isKnown: boolean; needsToken: boolean },
): [string, string] {
  if (!isKnown) return [needsToken ? text.sayToken : text.sayName, ''];
  if (!event || !place) return [shared.loading, ''];
  switch (place.status) {
    case 'ACTIVE':
      return [text.active, ''];
    case 'OFFERED': {
      const time = shortTime(place.offer?.expiresAt ?? '', locale, zoneOfReader());
      return [fill(text.offered, { time }), ''];
    }
    case 'WAITLISTED': {
      if (hasLineEnded(event, clock.now())) return [text.lineIsOver, text.lineIsOverHint];
      const n = place.waitlistEntry?.position ?? 0;
      const position = fill(text.position, { n: n.toLocaleString(locale) });
      const ahead = place.ahead ?? 0;
      return [ahead === 0 ? text.next : count(text, 'ahead', ahead, locale), position];
    }
    default:
      return [text.none, ''];
  }
}

/** What is said of an answer: the first one is final. */
export function wordsFor(
  press: Press,
  { status, problem, body }: Answer<Partial<PlaceView>>,
): [string, boolean] {
  if (!problem) {
    switch (press.kind) {
      case 'leave':
        return [text.gaveUp, false];
      case 'leaveLine':
        return [text.leftLine, false];
      case 'decline':
        return [text.declined, false];
      default: {
        const n = body.waitlistEntry?.position;
        return [n === undefined ? text.gotSeat : fill(text.gotEntry, { n }), false];
      }
    }
  }
  if (status === 401 || status === 403) return [text.refusedWho, true];
  switch (problem.title) {
    case 'CapacityError':
      return [text.refusedFull, true];
    case 'DuplicateError':
      return [text.refusedTwice, true];
    case 'RegistrationError':
      return [text.refusedState, true];
    case 'NotFoundError':
      return [press.method === 'DELETE' ? text.refusedGone : problem.detail, true];
    default:
      return [fill(text.refusedOther, { detail: problem.detail }), true];
  }
}

/** What is asked before something is given up. */
export const QUESTIONS = {
  leave: { title: text.sureSeat, hint: text.sureSeatHint },
  leaveLine: { title: text.sureLine, hint: text.sureLineHint },
  decline: { title: text.sureOffer, hint: text.sureOfferHint },
};
