import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod';
import type { LogCheck } from '../event/log-check.ts';
import type { PartialReplay } from '../event/partial-replay.ts';
import { Replay } from '../event/replay.ts';
import { LogFault } from '../event/seen-log.ts';
import type { EventState } from '../event/state.ts';

import { capacitySchema, eventSchema } from '../http/answers.ts';
import {
  offerPageSchema,
  registrationPageSchema,
  waitlistPageSchema,
} from '../http/place-answers.ts';

import { PAGE_MAX_ROWS } from '../limits.ts';
import { parseAnswer } from './answers.ts';
import type { Api } from './api.ts';

/** A row of a list, as far as it is compared. */
interface Row {
  id: string;
  userId: string;
  createdAt: string;
  position?: number;
}

/** What a service says of an event, beside its log. Lists are null for callers who may not see them. */
export interface Standing {
  event: z.infer<typeof eventSchema>;
  capacity: z.infer<typeof capacitySchema>;
  seats: Row[] | null;
  offers: Row[] | null;
  line: Row[] | null;
}

const toSeat = (seat: { registrationId: string } & Omit<Row, 'id' | 'position'>): Row => ({
  ...{ id: seat.registrationId, userId: seat.userId, createdAt: seat.createdAt },
});

const toEntry = (entry: { entryId: string; position: number } & Omit<Row, 'id'>): Row => ({
  ...{ id: entry.entryId, userId: entry.userId, createdAt: entry.createdAt },
  position: entry.position,
});

const toOffer = (offer: { offerId: string; position: number } & Omit<Row, 'id'>): Row => ({
  ...{ id: offer.offerId, userId: offer.userId, createdAt: offer.createdAt },
  position: offer.position,
});

/** Reads what a service says of an event. */
export async function readStanding(api: Api, path: string): Promise<Standing> {
  const event = parseAnswer(await api.get(path), eventSchema);
  const capacity = parseAnswer(await api.get(`${path}/capacity`), capacitySchema);
  const seats = await readList(api, `${path}/registrations`, registrationPageSchema);
  const offers = await readList(api, `${path}/offers`, offerPageSchema);
  const line = await readList(api, `${path}/waitlist`, waitlistPageSchema);
  return {
    ...{ event, capacity },
    seats: seats?.map(toSeat) ?? null,
    offers: offers?.map(toOffer) ?? null,
    line: line?.map(toEntry) ?? null,
  };
}

/** All rows of a list; null for callers who may not see it. */
async function readList<Row>(
  api: Api,
  path: string,
  schema: z.ZodType<{ items: Row[]; nextCursor: string | null }>,
): Promise<Row[] | null> {
  const rows: Row[] = [];
  let query = '';
  for (;;) {
    const body = await api.get(`${path}?limit=${PAGE_MAX_ROWS}${query}`, { mayBeForbidden: true });
    if (body === null) return null;
    const { items, nextCursor } = parseAnswer(body, schema);
    rows.push(...items);
    if (nextCursor === null) return rows;
    query = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

/**
 * Compares the end of a log with what the service says.
 *
 * @returns what was compared, as a sentence
 * @throws LogFault when they differ
 */
export function compareEnd({ last, replay }: LogCheck, standing: Standing): string {
  const version = last?.version ?? 0;
  const settings = replay instanceof Replay ? replay.state.event : replay.settings;
  for (const [field, value] of Object.entries(settings ?? {})) {
    if (field === 'eventId' || field === 'name' || field === 'createdAt') continue;
    agree(version, field, value, standing.event[field as keyof typeof standing.event]);
  }
  return replay instanceof Replay
    ? compareAll(version, replay.state, standing)
    : compareKnown(version, replay, standing);
}

function agree(version: number, what: string, logged: unknown, told: unknown): void {
  if (isDeepStrictEqual(logged, told)) return;
  const [log, service] = [logged, told].map((value) => JSON.stringify(value ?? null));
  const fault = `after it, ${what} is ${log} by the log, and ${service} by what the service says`;
  throw new LogFault(version, fault);
}

function compareAll(version: number, state: EventState, standing: Standing): string {
  const { capacity, seats, offers, line } = standing;
  agree(version, 'the number of seats', state.registeredCount, capacity.registeredCount);
  agree(version, 'the number of offers', state.offeredCount, capacity.offeredCount);
  agree(version, 'the number of entries', state.waitlistCount, capacity.waitlistCount);
  if (seats) agreeOnRows(version, 'seat', [...state.seated()].map(toSeat), seats);
  if (offers) agreeOnRows(version, 'offer', [...state.offered()].map(toOffer), offers);
  if (line) agreeOnRows(version, 'entry', [...state.waiting()].map(toEntry), line);
  const source = seats && offers && line ? 'the lists say' : 'the service says';
  const held = state.offeredCount > 0 ? `, ${state.offeredCount} are offered one` : '';
  return `At its end ${state.registeredCount} have a seat${held} and ${state.waitlistCount} wait, as ${source}.`;
}

function agreeOnRows(version: number, what: string, logged: Row[], told: Row[]): void {
  for (let i = 0; i < Math.max(logged.length, told.length); i++) {
    agree(version, `${what} ${i + 1}`, logged[i], told[i]);
  }
}

/** Of a log without its beginning: what it told of is there, and what it told to be gone is not. */
function compareKnown(version: number, replay: PartialReplay, standing: Standing): string {
  const { seats, offers, line } = standing;
  if (!seats || !offers || !line)
    return 'The lists of people were not compared: this caller may not see them.';
  const listed = new Set([...seats, ...offers, ...line].map(({ id }) => id));
  for (const id of replay.places.keys()) {
    if (listed.has(id)) continue;
    throw new LogFault(version, `after it, place ${id} is there by the log, and not in the lists`);
  }
  for (const id of listed) {
    if (!replay.isGone(id)) continue;
    throw new LogFault(version, `after it, place ${id} is in the lists, and gone by the log`);
  }
  return 'What the log tells of places is as the lists say.';
}
