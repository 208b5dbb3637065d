import type { LogHead } from './log.ts';
import type {
  EventPatch,
  EventRecord,
  NewEvent,
  Registration,
  Seat,
  WaitlistEntry,
} from './model.ts';

/** A question: it changes nothing, and is answered from what is committed. */
export type Question =
  | { type: 'read' }
  /** Where a user stands. */
  | { type: 'stand'; userId: string }
  /** The end of the log, and where it begins. */
  | { type: 'log' }
  /** A page of those with a seat, or of those who wait: those after an order number. */
  | { type: 'list'; list: 'registrations' | 'waitlist'; after: number; limit: number };

/** What can be asked of an event. */
export type Command =
  | Question
  | { type: 'create'; event: NewEvent }
  /** With an `override`, past the capacity, and whatever the window. */
  | { type: 'register'; userId: string; override?: { reason: string } }
  | { type: 'unregister'; userId: string }
  | { type: 'leaveLine'; userId: string }
  /** `revisions`: the revisions that it may be applied to. */
  | { type: 'update'; patch: EventPatch; revisions: number[] | null; isDryRun: boolean }
  | { type: 'cancel'; revisions: number[] | null }
  /** Changes nothing: uses up the key of a request of many commands before any of them. */
  | { type: 'claim' }
  /** Fills free seats from the line: what an update began and an interruption left undone. */
  | { type: 'promote' };

/** Why a command is refused. */
export type RefusalReason =
  | 'event-exists'
  | 'no-such-event'
  | 'no-such-user'
  | 'already-registered'
  | 'already-waitlisted'
  | 'full'
  | 'waitlist-full'
  /** The people of the event take as much memory as they may. */
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
  /** The time that the reason is about: when registration opens, or closed. */
  time?: string;
}

/** What came of a command. */
export type Outcome =
  | { type: 'created' | 'cancelled'; event: EventRecord; revision: number }
  | {
      type: 'read';
      event: EventRecord;
      revision: number;
      registeredCount: number;
      waitlistCount: number;
    }
  | {
      type: 'standing';
      registration: Registration | null;
      entry: WaitlistEntry | null;
      ahead: number | null;
    }
  | { type: 'log'; head: LogHead | null }
  | { type: 'registrations'; rows: Seat[]; isLast: boolean }
  | { type: 'waitlist'; rows: WaitlistEntry[]; isLast: boolean }
  | { type: 'registered'; registration: Registration }
  | { type: 'waitlisted'; entry: WaitlistEntry }
  | { type: 'unregistered'; registration: Registration; promoted: Registration | null }
  | { type: 'leftLine'; entry: WaitlistEntry }
  | { type: 'claimed' }
  | {
      type: 'updated';
      event: EventRecord;
      revision: number;
      /** The first who were promoted, in order; `promotedCount` counts them all. */
      promoted: Registration[];
      promotedCount: number;
    }
  | Refusal;

const QUESTIONS: readonly Command['type'][] = [
  'read',
  'stand',
  'log',
  'list',
] satisfies Question['type'][];

/** Whether a command only asks. */
export function isQuestion(command: Command): command is Question {
  return QUESTIONS.includes(command.type);
}
