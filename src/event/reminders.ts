import {
  OUTBOX_MAX_MESSAGES,
  OUTBOX_MAX_OPEN,
  REMINDER_FIRST_INDEX,
  REMINDER_MIN_AGE_MS,
} from '../limits.ts';
import { type EventRecord, lineEndsAt, type Offer, shownOffer } from './model.ts';
import { isReminder, type OfferMark, type Pointer, pointerAt, type Reminder } from './outbox.ts';
import type { EventTotals, EventView, OfferVisitor } from './state.ts';

/** Who is told of offers that end soon, and when. */
export interface Reminders {
  /** How long before the end, in milliseconds. */
  leadMs: number;
  /** The names of the endpoints that want to be told. */
  endpoints: readonly string[];
}

/** What came last, by the ends as they are. Where the line's end was moved to before it, offers have another end now. */
function markOf({ reminded }: Pointer, lineEnd: number): OfferMark {
  if (!reminded) return { end: Number.NEGATIVE_INFINITY, position: 0 };
  return reminded.end > lineEnd ? { end: lineEnd, position: 0 } : reminded;
}

/** Whether an offer has a reminder at all, and is not over. Times are epoch milliseconds. */
const hasReminder = (end: number, createdAt: number, leadMs: number, nowMs: number) =>
  end > nowMs && end - createdAt >= leadMs + REMINDER_MIN_AGE_MS;

/** Visits the offers that an endpoint was not told to remind of yet, and that have a reminder. */
function eachUntold(
  totals: EventTotals,
  event: EventRecord,
  pointer: Pointer,
  leadMs: number,
  nowMs: number,
  visit: (mark: OfferMark) => void,
): void {
  const lineEnd = lineEndsAt(event);
  const last = markOf(pointer, lineEnd);
  const look: OfferVisitor = (ownEnd, position, createdAt) => {
    const end = Math.min(ownEnd, lineEnd);
    const isUntold = end > last.end || (end === last.end && position > last.position);
    if (isUntold && hasReminder(end, createdAt, leadMs, nowMs)) visit({ end, position });
  };
  totals.eachOffer(look);
}

/** Whether a reminder may be begun: not at an endpoint that wants none, or is down. */
const mayBegin = ({ isEnded, open }: Pointer) => !isEnded && open.length < OUTBOX_MAX_OPEN;

/** When an endpoint is to be told next of an offer that ends soon: epoch milliseconds; null for never. */
function reminderDueAt(
  totals: EventTotals,
  pointer: Pointer,
  leadMs: number,
  nowMs: number,
): number | null {
  const { event, log, offeredCount } = totals;
  if (!event || !log || offeredCount === 0 || !mayBegin(pointer)) return null;
  let first = Number.POSITIVE_INFINITY;
  eachUntold(totals, event, pointer, leadMs, nowMs, ({ end }) => {
    first = Math.min(first, end);
  });
  return first === Number.POSITIVE_INFINITY ? null : first - leadMs;
}

/** Where an endpoint stands that may not have got anything of the event yet. */
export function pointerOf({ pointers, log }: EventTotals, name: string): Pointer {
  return pointers.find((each) => each.name === name) ?? pointerAt(name, log?.version ?? 0);
}

/** When the first of the endpoints is to be told of an offer that ends soon: epoch milliseconds; null for never. */
export function remindersDueAt(
  totals: EventTotals,
  { leadMs, endpoints }: Reminders,
  nowMs: number,
): number | null {
  const all = endpoints
    .map((name) => reminderDueAt(totals, pointerOf(totals, name), leadMs, nowMs))
    .filter((at) => at !== null);
  return all.length === 0 ? null : Math.min(...all);
}

/**
 * The reminders that are due at an endpoint: those that failed, whose time has come, and then others in the order of
 * ends, as many as one delivery sends. Offers that are over have none.
 */
export function dueReminders(
  view: EventView,
  pointer: Pointer,
  leadMs: number,
  nowMs: number,
): Reminder[] {
  const { event } = view;
  if (!event || view.offeredCount === 0) return [];
  const due: Reminder[] = [];
  const add = (position: number, version: number) => {
    const offer = offerAt(view, position);
    if (!offer) return;
    const shown = shownOffer(event, offer);
    const end = Date.parse(shown.expiresAt);
    const isDue = end - leadMs <= nowMs;
    if (!isDue || !hasReminder(end, Date.parse(offer.createdAt), leadMs, nowMs)) return;
    const at = new Date(end - leadMs).toISOString();
    due.push({ version, index: REMINDER_FIRST_INDEX + position, at, offer: shown });
  };
  for (const message of pointer.open) {
    if (!isReminder(message) || message.nextAt > nowMs) continue;
    add(message.index - REMINDER_FIRST_INDEX, message.version);
  }
  if (!mayBegin(pointer)) return due;
  const untold: OfferMark[] = [];
  eachUntold(view, event, pointer, leadMs, nowMs, (mark) => {
    if (mark.end - leadMs <= nowMs) untold.push(mark);
  });
  untold.sort((a, b) => a.end - b.end || a.position - b.position);
  const version = view.log?.version ?? 0;
  for (const { position } of untold.slice(0, OUTBOX_MAX_MESSAGES)) add(position, version);
  return due;
}

/** The open offer of a position; undefined where it has none. */
function offerAt(view: EventView, position: number): Offer | undefined {
  const [offer] = view.offered(position - 1);
  return offer?.position === position ? offer : undefined;
}
