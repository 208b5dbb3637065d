import type { Content, Operation, Outcome, Request, Seat, Settings } from './history.ts';
import { carryOut, type Model } from './rules.ts';
import { shrink } from './shrink.ts';

/** How much of an order is worth reading: its end. */
const ORDER_MAX_SHOWN = 8;

/** A history that breaks a promise, for people: who did what when, and which promise broke. */
export function explainViolation(eventId: string, operations: Operation[]): string {
  const { operations: smallest, verdict } = shrink(operations);
  const { stuck } = verdict;
  const told = smallest.filter(({ outcome }) => outcome.type !== 'unknown');
  const open = smallest.filter(({ outcome }) => outcome.type === 'unknown');
  const lines = [`event ${eventId}: no order of these explains all answers`, ''];
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

/** The promise that an answer breaks which the rules cannot explain. */
function promiseOf(state: Model, { request, outcome }: Operation): string {
  const { expected } = carryOut(state, request, outcome);
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
        ? `a place in line keeps its position (${instead})`
        : `an acknowledged change is kept (${instead})`;
    case 'updated':
      return expected.type === 'updated' && expected.promoted.length !== outcome.promoted.length
        ? `a raise promotes as many as fit, in order, at once (${instead})`
        : `an acknowledged change is kept (${instead})`;
    case 'tables':
      return `an acknowledged change is kept, and nothing is there that nobody asked for (${instead})`;
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
      return `update(${JSON.stringify(request.patch)})`;
    case 'read':
    case 'cancel':
      return request.type;
    case 'tables':
      return 'tables at the end';
    default:
      return `${request.type}(${request.userId})`;
  }
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
      return outcome.promoted
        ? `left, ${outcome.promoted.userId} promoted ${id(outcome.promoted.id)}`
        : 'left, nobody promoted';
    case 'leftLine':
      return `left the line from ${outcome.position}`;
    case 'updated': {
      const promoted = outcome.promoted.map(describeSeat).join(', ');
      return `updated to ${describeSettings(outcome.settings)}, promoted [${promoted}]`;
    }
    case 'cancelled':
      return 'cancelled';
    case 'read': {
      const { capacity, registered, waiting, status } = outcome.counts;
      return `${registered} of ${capacity} seats, ${waiting} wait, ${status}`;
    }
    case 'standing': {
      const { place, position, ahead } = outcome.standing;
      return position === null ? place : `${place} at ${position}, ${ahead} ahead`;
    }
    case 'refused':
      return outcome.reason;
    case 'tables':
      return describeContent(outcome.content);
    case 'unknown':
      return outcome.why;
  }
}

const describeSeat = ({ userId, id }: Seat) => `${userId} ${id.slice(0, 8)}`;

function describeSettings({ capacity, hasWaitlist, waitlistCapacity, status }: Settings): string {
  const line = hasWaitlist ? `a line of ${waitlistCapacity ?? 'any length'}` : 'no line';
  return `${capacity} seats, ${line}, ${status}`;
}

function describeContent(content: Content | null): string {
  if (!content) return 'no event';
  const seats = content.seats.map(describeSeat);
  const line = content.line.map((place) => `${place.position} ${describeSeat(place)}`);
  return `${describeSettings(content)}: [${seats.join(', ')}], line [${line.join(', ')}], last position ${content.lastPosition}`;
}
