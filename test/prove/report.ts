import {
  type Content,
  type Offered,
  type Operation,
  type Outcome,
  type Request,
  type Seat,
  type Settings,
  whenOf,
} from './history.ts';
import { carryOutAll, type Model } from './rules.ts';
import { shrink } from './shrink.ts';

/** How many operations of an order are shown: the last ones. */
const ORDER_MAX_SHOWN = 8;

/** A history that breaks a promise as a readable text: the operations, and the broken promise. */
export function explainViolation(eventId: string, operations: Operation[]): string {
  const { operations: smallest, verdict } = shrink(operations);
  const { stuck } = verdict;
  const told = smallest.filter(({ outcome }) => outcome.type !== 'unknown');
  const open = smallest.filter(({ outcome }) => outcome.type === 'unknown');
  const lines = [`event ${brief(eventId)}: no order of these explains all answers`, ''];
  lines.push(...told.map(tell));
  if (open.length > 0) {
    lines.push('', 'open, so that each may have happened at any time after it was sent, or not:');
    lines.push(...open.map(tell));
  }
  const order = verdict.order.map(short);
  const skipped = order.length > ORDER_MAX_SHOWN ? '… ' : '';
  const end = order.slice(-ORDER_MAX_SHOWN).join(', ');
  lines.push('', `the longest order that can be explained: ${skipped}${end}`);
  lines.push(`the event would then be: ${describeContent(verdict.state)}`);
  if (stuck) {
    lines.push(`which leaves no place for: ${stuck.client} ${short(stuck)}`);
    lines.push(`promise: ${promiseOf(verdict.state, stuck)}`);
  }
  return lines.join('\n');
}

/** The promise that an inexplicable answer breaks. */
function promiseOf(state: Model, stuck: Operation): string {
  const { request, outcome } = stuck;
  const steps = carryOutAll(state, request, outcome, whenOf(stuck));
  const step = steps.find(({ expected }) => expected.type === outcome.type) ?? steps[0];
  if (!step) return 'an offer that is over is nobody’s (it can have been decided at no time)';
  const { expected } = step;
  const instead = `by the rules: ${describeOutcome(expected)}`;
  switch (outcome.type) {
    case 'registered':
      if (expected.type === 'refused' && expected.reason.startsWith('already')) {
        return `one place per user and event (${instead})`;
      }
      if (state && state.seats.length < state.capacity) {
        return `a newcomer never takes a seat while somebody waits (${instead})`;
      }
      return `never over capacity (${instead})`;
    case 'waitlisted':
      return expected.type === 'waitlisted'
        ? `positions grow by one, and none is given twice (${instead})`
        : `one place per user; nobody waits while a seat is free (${instead})`;
    case 'unregistered':
      return expected.type === 'unregistered'
        ? `promotion follows position (${instead})`
        : `an acknowledged change is kept (${instead})`;
    case 'leftLine':
      return expected.type === 'leftLine'
        ? `an entry keeps its position (${instead})`
        : `an acknowledged change is kept (${instead})`;
    case 'updated':
      return expected.type === 'updated' && expected.promoted.length !== outcome.promoted.length
        ? `a raise promotes as many as fit, in order, at once (${instead})`
        : `an acknowledged change is kept (${instead})`;
    case 'page':
      return `a page has all rows, in order (${instead})`;
    case 'tables':
      return `an acknowledged change is kept, and no row appears without a request (${instead})`;
    default:
      return `an answer rests on what is committed (${instead})`;
  }
}

function tell(operation: Operation): string {
  const ms = (time: number) => (Number.isFinite(time) ? time.toFixed(1) : '…').padStart(7);
  const when = `${ms(operation.sentMs)} –${ms(operation.answeredMs)} ms`;
  return `${when}  ${operation.client.padEnd(4)} ${short(operation)}`;
}

function short({ request, outcome }: Operation): string {
  if (outcome.type === 'unknown') return `${describeRequest(request)} (${outcome.why})`;
  return `${describeRequest(request)} → ${describeOutcome(outcome)}`;
}

function describeRequest(request: Request): string {
  switch (request.type) {
    case 'create':
      return `create(${request.capacity}${request.hasWaitlist ? ', waitlist' : ''})`;
    case 'update':
      return `update(${JSON.stringify(request.patch)}${describeMatch(request)})`;
    case 'cancel':
      return `cancel(${describeMatch(request)})`;
    case 'read':
    case 'look':
      return request.type;
    case 'list': {
      const { list, format, after, limit } = request;
      return format === 'csv' ? `${list} as CSV` : `${list}(${limit} after ${after})`;
    }
    case 'tables':
      return 'tables at the end';
    default:
      return `${request.type}(${brief(request.userId)})`;
  }
}

const describeMatch = ({ ifMatch }: { ifMatch?: number }) =>
  ifMatch === undefined ? '' : ` if revision ${ifMatch}`;

/** An id; of a long one the beginning. */
export function brief(id: string): string {
  const chars = [...id];
  return chars.length > 20 ? `${chars.slice(0, 8).join('')}…` : id;
}

function describeOutcome(outcome: Outcome): string {
  const id = (text: string) => text.slice(0, 8);
  switch (outcome.type) {
    case 'created':
      return `created with ${outcome.capacity} seats`;
    case 'registered':
      return `seat ${id(outcome.id)}`;
    case 'waitlisted':
      return `waits at ${outcome.position} ${id(outcome.id)}`;
    case 'unregistered':
      if (outcome.offered) return `left, offered ${describeOffer(outcome.offered)}`;
      return outcome.promoted
        ? `left, ${brief(outcome.promoted.userId)} promoted ${id(outcome.promoted.id)}`
        : 'left, nobody promoted';
    case 'leftLine':
      return `left the line from ${outcome.position}`;
    case 'declined':
      return `declined ${describeOffer(outcome.offer)}`;
    case 'gaveUp':
      return `gave up ${outcome.place ?? 'nothing'}`;
    case 'updated': {
      const promoted = outcome.promoted.map(describeSeat).join(', ');
      const { settings, revision } = outcome;
      return `updated to ${describeSettings(settings)}, revision ${revision}, promoted [${promoted}], offered [${outcome.offered.map(describeOffer).join(', ')}]`;
    }
    case 'cancelled':
      return `cancelled, revision ${outcome.revision}`;
    case 'looked':
      return `${describeSettings(outcome.settings)}, revision ${outcome.revision}`;
    case 'page': {
      const rows = outcome.rows.map((row) =>
        'expiresAt' in row
          ? describeOffer(row)
          : 'position' in row
            ? `${row.position} ${describeSeat(row)}`
            : describeSeat(row),
      );
      return `[${rows.join(', ')}], ${outcome.next === null ? 'the last page' : `on after ${outcome.next}`}`;
    }
    case 'read': {
      const { capacity, registered, offered, waiting, status } = outcome.counts;
      return `${registered} of ${capacity} seats, ${offered} offered, ${waiting} wait, ${status}`;
    }
    case 'standing': {
      const { place, position, ahead, offer } = outcome.standing;
      if (offer) return `${place} ${describeOffer(offer)}`;
      return position === null ? place : `${place} at ${position}, ${ahead} ahead`;
    }
    case 'refused':
      return outcome.time ? `${outcome.reason} (${outcome.time})` : outcome.reason;
    case 'tables':
      return describeContent(outcome.content);
    case 'unknown':
      return outcome.why;
  }
}

const describeOffer = ({ userId, position, createdAt, expiresAt }: Offered) =>
  `${brief(userId)} (was ${position}, made ${createdAt}, ends ${expiresAt})`;

const describeSeat = ({ userId, id, seq }: Seat) =>
  `${brief(userId)} ${id.slice(0, 8)}${seq === undefined ? '' : ` #${seq}`}`;

function describeSettings(settings: Settings): string {
  const { capacity, hasWaitlist, waitlistCapacity, status } = settings;
  const { registrationOpensAt: opens, registrationClosesAt: closes } = settings;
  const line = hasWaitlist ? `a line of ${waitlistCapacity ?? 'any length'}` : 'no line';
  const window = `${opens ? `, opens ${opens}` : ''}${closes ? `, closes ${closes}` : ''}`;
  const { startsAt, promotesUntil, offerSeconds } = settings;
  const end = promotesUntil ?? startsAt;
  const offers = `${end ? `, line ends ${end}` : ''}${offerSeconds ? `, offers for ${offerSeconds} s` : ''}`;
  return `${capacity} seats, ${line}, ${status}${window}${offers}`;
}

function describeContent(content: Content | null): string {
  if (!content) return 'no event';
  const seats = content.seats.map(describeSeat);
  const line = content.line.map((place) => `${place.position} ${describeSeat(place)}`);
  return `${describeSettings(content)}: [${seats.join(', ')}], offers [${content.offers.map(describeOffer).join(', ')}], line [${line.join(', ')}], last position ${content.lastPosition}`;
}
