import { isDeepStrictEqual } from 'node:util';
import type { Arrival, Endpoint, Endpoints, Message } from './endpoints.ts';
import type { LogEntry } from './log.ts';

/** Messages that a delivery has on their way at a time: the platform's six connections. */
const IN_FLIGHT_MAX = 6;

/** What the API told of an endpoint of an event: everything up to this version was taken. */
export interface Claim {
  endpoint: string;
  deliveredVersion: number;
  /** When it was told, in milliseconds on the performance clock. */
  at: number;
}

/** A replay that was acknowledged. */
export interface Replay {
  endpoint: string;
  /** Everything after this version is sent again. */
  after: number;
  /** When it was asked for, in milliseconds on the performance clock. */
  at: number;
}

/** What the endpoints got of one event, and what was told of them. */
export interface Told {
  arrivals: readonly Arrival[];
  claims: readonly Claim[];
  replays: readonly Replay[];
}

/** Whether an endpoint wants messages of a type. */
export function wants({ types }: Pick<Endpoint, 'types'>, type: string): boolean {
  if (types === null) return true;
  return types.some((each) =>
    each.endsWith('.*') ? type.startsWith(each.slice(0, -1)) : type === each,
  );
}

/** The messages that the log of an event makes for an endpoint, in order: of an erasure, one more behind all changes. */
export function messagesFor(
  eventId: string,
  entries: readonly LogEntry[],
  endpoint: Pick<Endpoint, 'types'>,
): Message[] {
  return entries.flatMap(({ version, at, changes }) => {
    const erasures = changes.flatMap((change) =>
      'erased' in change ? { type: 'user.erased', userId: change.userId } : [],
    );
    return [...changes, ...erasures].flatMap(({ type, ...told }, index) => {
      const data = { eventId, version, index, ...told };
      return wants(endpoint, type) ? { type, timestamp: at, data } : [];
    });
  });
}

const placeOf = ({ data }: Message) => `${data.version}.${data.index}`;

/** What is wrong with the messages of an event, held against the log as the tables have it. */
export function checkMessages(
  eventId: string,
  entries: readonly LogEntry[],
  endpoints: readonly Endpoint[],
  told: Told,
): string[] {
  const faults: string[] = [];
  for (const endpoint of endpoints) {
    const isHere = (each: { endpoint: string }) => each.endpoint === endpoint.name;
    const arrivals = told.arrivals.filter(isHere);
    const expected = messagesFor(eventId, entries, endpoint);
    const found = [
      ...checkContents(expected, arrivals),
      ...checkArrived(expected, arrivals),
      ...told.claims.filter(isHere).flatMap((claim) => checkClaim(claim, expected, arrivals)),
      ...told.replays.filter(isHere).flatMap((replay) => checkReplay(replay, expected, arrivals)),
      // What `away` does not get on its first attempt leaves no trace here.
      ...(endpoint.name === 'away' ? [] : checkOrder(expected, arrivals)),
    ];
    faults.push(...found.map((fault) => `endpoint ${endpoint.name} ${fault}`));
  }
  return faults;
}

/** Nothing comes that the log does not have for this endpoint, and what comes is as the log has it. */
function checkContents(expected: readonly Message[], arrivals: readonly Arrival[]): string[] {
  const byPlace = new Map(expected.map((message) => [placeOf(message), message]));
  return arrivals.flatMap(({ message }) => {
    if (isDeepStrictEqual(byPlace.get(placeOf(message)), message)) return [];
    return `got what is not in the log, or not for it: ${JSON.stringify(message)}`;
  });
}

/** Every message came at least once, and was taken. */
function checkArrived(expected: readonly Message[], arrivals: readonly Arrival[]): string[] {
  const taken = new Set(
    arrivals.filter(({ takenAt }) => takenAt !== null).map(({ message }) => placeOf(message)),
  );
  const missing = expected.filter((message) => !taken.has(placeOf(message)));
  if (missing.length === 0) return [];
  const places = missing.map((message) => `${placeOf(message)} ${message.type}`);
  return [`never got ${missing.length} of ${expected.length} messages: ${places.join(', ')}`];
}

/** What is said to be delivered was taken by then. */
function checkClaim(
  { deliveredVersion, at }: Claim,
  expected: readonly Message[],
  arrivals: readonly Arrival[],
): string[] {
  const taken = new Set(
    arrivals
      .filter(({ takenAt }) => takenAt !== null && takenAt <= at)
      .map(({ message }) => placeOf(message)),
  );
  const early = expected.find(
    (message) => message.data.version <= deliveredVersion && !taken.has(placeOf(message)),
  );
  if (!early) return [];
  return [
    `was said to have all up to version ${deliveredVersion}, before it took ${placeOf(early)}`,
  ];
}

/** What was to be sent again was sent after that. */
function checkReplay(
  { after, at }: Replay,
  expected: readonly Message[],
  arrivals: readonly Arrival[],
): string[] {
  const since = new Set(
    arrivals.filter((arrival) => arrival.at >= at).map(({ message }) => placeOf(message)),
  );
  const left = expected.filter(
    (message) => message.data.version > after && !since.has(placeOf(message)),
  );
  if (left.length === 0) return [];
  return [`was not sent ${placeOf(left[0] as Message)} again by a replay after ${after}`];
}

/**
 * First attempts begin in the order of the log. They are on their way side by side, so when a message comes for
 * the first time, the messages before it that have not come are among those on their way.
 */
function checkOrder(expected: readonly Message[], arrivals: readonly Arrival[]): string[] {
  const ranks = new Map(expected.map((message, rank) => [placeOf(message), rank]));
  const seen = new Set<number>();
  for (const { message } of arrivals) {
    const rank = ranks.get(placeOf(message));
    if (rank === undefined || seen.has(rank)) continue;
    // As many as have a lower rank, less those of them that have come.
    let before = 0;
    for (const each of seen) if (each < rank) before++;
    const missing = rank - before;
    if (missing >= IN_FLIGHT_MAX) {
      return [`got ${placeOf(message)} before ${missing} messages that are before it in the log`];
    }
    seen.add(rank);
  }
  return [];
}

/** What came to endpoints and is no message of any of these events, or is named or signed wrongly. */
export function strayMessages(
  { arrivals, strays }: Pick<Endpoints, 'arrivals' | 'strays'>,
  eventIds: Set<string>,
): string[] {
  const strange = arrivals.filter(
    ({ fault, message }) => fault === null && !eventIds.has(message.data.eventId),
  );
  return [
    ...strays.map((stray) => `what is no message: ${stray}`),
    ...strange.map(({ message }) => `a message of no event: ${JSON.stringify(message)}`),
    ...checkIds(arrivals),
  ];
}

/** What names messages, and their signatures. */
function checkIds(arrivals: readonly Arrival[]): string[] {
  const places = new Map<string, string>();
  const ids = new Map<string, string>();
  const faults = new Set<string>();
  for (const { id, message, fault, endpoint } of arrivals) {
    if (fault !== null) {
      faults.add(`endpoint ${endpoint} got what is no signed message: ${fault}`);
      continue;
    }
    const place = JSON.stringify([message.data.eventId, placeOf(message)]);
    const [first, known] = [places.get(id), ids.get(place)];
    if (first !== undefined && first !== place) {
      faults.add(`two messages have the webhook-id ${id}: ${first} and ${place}`);
    }
    if (known !== undefined && known !== id) {
      faults.add(`a message has the webhook-ids ${known} and ${id}: ${place}`);
    }
    places.set(id, place);
    ids.set(place, id);
  }
  return [...faults];
}
