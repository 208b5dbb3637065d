import type { LogHead } from './log.ts';
import type {
  EventPatch,
  EventRecord,
  NewEvent,
  Offer,
  Registration,
  Seat,
  WaitlistEntry,
} from './model.ts';
import type { Pointer } from './outbox.ts';

/** A question: it changes nothing, and is answered from what is committed. */
export type Question =
  | { type: 'read' }
  /** Which place a user has. */
  | { type: 'stand'; userId: string }
  /** How far the log was sent to each endpoint. */
  | { type: 'outbox' }
  /** The end of the log, and where it begins. */
  | { type: 'log' }
  /** A page of those with a seat, of the open offers, or of those who wait: those after an order number. */
  | { type: 'list'; list: 'registrations' | 'offers' | 'waitlist'; after: number; limit: number };

/** What can be asked of an event. */
export type Command =
  | Question
  | { type: 'create'; event: NewEvent }
  /** Takes the seat that is offered to the user, if one is. An `override` ignores the capacity, the registration window, and a status of `PAUSED` or `CLOSED`. */
  | { type: 'register'; userId: string; override?: { reason: string } }
  | { type: 'unregister'; userId: string }
  /** Gives up an entry, or an offer. */
  | { type: 'leaveLine'; userId: string }
  /** Gives up whatever place a user has who is being erased. */
  | { type: 'giveUp'; userId: string }
  /** `revisions`: the revisions of the event that it may be applied to; null for any. */
  | { type: 'update'; patch: EventPatch; revisions: number[] | null; isDryRun: boolean }
  | { type: 'cancel'; revisions: number[] | null }
  /** Does what is due by now; changes nothing where nothing is. */
  | { type: 'wake' }
  /** Records how far a delivery came, unless the endpoint was moved meanwhile. */
  | { type: 'movePointer'; from: Pointer; to: Pointer }
  /** Sends what is in the log after a version to an endpoint again. */
  | { type: 'replay'; endpoint: string; after: number }
  /** Uses up the idempotency key of a bulk request before its commands; changes nothing else. */
  | { type: 'claim' }
  /**
   * Does a step of what is due: gives at most `most` of the seats that are owed to the line (`STEP_MAX_SEATS` when
   * left out), or ends offers that are over. With `userId` it ends the offer of this user alone, if it is over.
   */
  | { type: 'expire'; userId?: string; most?: number };

/** Why a command is refused. */
export type RefusalReason =
  | 'event-exists'
  | 'no-such-event'
  | 'no-such-user'
  | 'already-registered'
  | 'already-waitlisted'
  | 'full'
  | 'waitlist-full'
  /** It is full, and nobody gets a place in line any more. */
  | 'line-ended'
  /** The rows of the event would take more than `EVENT_MAX_BYTES`. */
  | 'no-room'
  | 'not-registered'
  | 'not-waiting'
  | 'not-open-yet'
  | 'closed-already'
  | 'paused'
  | 'closed'
  | 'cancelled'
  | 'revision-mismatch'
  | 'window-reversed';

/** A refusal by the rules; it changes nothing. */
export interface Refusal {
  type: 'refused';
  reason: RefusalReason;
  /** When registration opens (`not-open-yet`), or when it closed (`closed-already`). */
  time?: string;
}

/** The outcome of an update. When it is decided, the seats that it makes free are counted, and given afterwards. */
export interface Updated {
  type: 'updated';
  event: EventRecord;
  revision: number;
  /** The first `CHANGE_MAX_LISTED` who were promoted, in order; `promotedCount` counts all. */
  promoted: Registration[];
  promotedCount: number;
  /** The same of those who were offered a seat. */
  offered: Offer[];
  offeredCount: number;
}

/** What came of a command. */
export type Outcome =
  | { type: 'created' | 'cancelled'; event: EventRecord; revision: number }
  | {
      type: 'read';
      event: EventRecord;
      revision: number;
      registeredCount: number;
      offeredCount: number;
      waitlistCount: number;
      /** Seats that are free, and owed to those who wait. */
      owedCount: number;
    }
  | {
      type: 'standing';
      registration: Registration | null;
      offer: Offer | null;
      entry: WaitlistEntry | null;
      ahead: number | null;
    }
  | { type: 'log'; head: LogHead | null }
  | { type: 'outbox'; pointers: readonly Pointer[]; head: LogHead | null }
  | { type: 'woken' | 'pointerMoved' }
  /** `head`: the version of the log's end. */
  | { type: 'replaying'; pointer: Pointer; head: number }
  | { type: 'registrations'; rows: Seat[]; isLast: boolean }
  | { type: 'offers'; rows: Offer[]; isLast: boolean }
  | { type: 'waitlist'; rows: WaitlistEntry[]; isLast: boolean }
  | { type: 'registered'; registration: Registration }
  | { type: 'waitlisted'; entry: WaitlistEntry }
  /** Who got the seat, or an offer of it, if anybody did. */
  | {
      type: 'unregistered';
      registration: Registration;
      promoted: Registration | null;
      offered: Offer | null;
    }
  | { type: 'leftLine'; entry: WaitlistEntry }
  | { type: 'declined'; offer: Offer }
  | { type: 'expired' }
  /** `status`: of the place that they had; null where they had none. */
  | { type: 'gaveUp'; status: 'ACTIVE' | 'OFFERED' | 'WAITLISTED' | null }
  | { type: 'claimed' }
  | Updated
  | Refusal;

const QUESTIONS: readonly Command['type'][] = [
  'read',
  'stand',
  'log',
  'outbox',
  'list',
] satisfies Question['type'][];

/** Whether a command only asks. */
export function isQuestion(command: Command): command is Question {
  return QUESTIONS.includes(command.type);
}

/** Whether the object asks by itself, for nobody. There are few of these at a time. */
export function isOwn({ type }: Command): boolean {
  return type === 'wake' || type === 'movePointer';
}
