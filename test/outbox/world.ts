import type { LogChange, LogEntry } from '../../src/event/log.ts';
import { isWanted } from '../../src/event/messages.ts';
import type { Pointer, Reminder } from '../../src/event/outbox.ts';
import { OUTBOX_MAX_OPEN, REMINDER_FIRST_INDEX } from '../../src/limits.ts';
import type { DeliveryPorts } from '../../src/outbox/deliver.ts';
import type { Endpoint } from '../../src/outbox/settings.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const ENDPOINT: Endpoint = {
  ...{ name: 'crm', url: 'https://hooks.example.com/desk', secrets: [SECRET], types: null },
};
export const START_MS = Date.UTC(2026, 10, 26, 12);

/** A change of one of the types that there are, told apart by its id. */
export function changeOf(type: LogChange['type'], id: string): LogChange {
  switch (type) {
    case 'registration.created':
    case 'registration.cancelled':
      return { type, registrationId: id, userId: `user of ${id}` };
    case 'registration.promoted':
      return { type, registrationId: id, entryId: `e ${id}`, position: 1, userId: `user of ${id}` };
    case 'waitlist.joined':
    case 'waitlist.left':
      return { type, entryId: id, position: 1, userId: `user of ${id}` };
    case 'offer.made':
      return {
        ...{ type, offerId: id, entryId: `e ${id}`, position: 1, userId: `user of ${id}` },
        expiresAt: new Date(START_MS).toISOString(),
      };
    case 'offer.accepted':
      return {
        ...{ type, offerId: id, registrationId: `r ${id}`, position: 1, userId: `user of ${id}` },
      };
    case 'offer.declined':
    case 'offer.expired':
      return { type, offerId: id, position: 1, userId: `user of ${id}` };
    default: {
      const settings = {
        ...{ capacity: 1, hasWaitlist: true, waitlistCapacity: null, status: 'OPEN' as const },
        ...{ registrationOpensAt: null, registrationClosesAt: null },
        ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
      };
      return { type, settings };
    }
  }
}

/** An entry with changes of these types. */
export function entryOf(version: number, types: LogChange['type'][]): LogEntry {
  return {
    version,
    at: new Date(START_MS - 60_000).toISOString(),
    chain: version.toString(16).padStart(64, '0'),
    changes: types.map((type, index) => changeOf(type, `${version}.${index}`)),
    actors: types.map(() => 'key:crm'),
  };
}

/** So many entries with one change each, of the versions 1, 2, 3 … */
export const plainLog = (count: number): LogEntry[] =>
  Array.from({ length: count }, (_, i) => entryOf(i + 1, ['registration.created']));

/** When an endpoint has something to do next, as the interface has it: 0 for at once, null for nothing. */
export function nextDue(pointer: Pointer, head: number): number | null {
  if (pointer.isEnded) return null;
  if (pointer.version < head && pointer.open.length < OUTBOX_MAX_OPEN) return 0;
  return pointer.open.length === 0 ? null : Math.min(...pointer.open.map(({ nextAt }) => nextAt));
}

/** A reminder of an offer at the first position. */
export const REMINDER: Reminder = {
  ...{ version: 1, index: REMINDER_FIRST_INDEX + 1, at: new Date(START_MS).toISOString() },
  offer: {
    ...{ offerId: 'o', userId: 'u', eventId: 'recital', position: 1 },
    createdAt: new Date(START_MS - 60_000).toISOString(),
    expiresAt: new Date(START_MS + 30_000).toISOString(),
  },
};

/** A request that an endpoint got. */
export interface Sent {
  key: string;
  version: number;
  index: number;
  at: number;
  headers: Record<string, string>;
  body: string;
}

/** What an endpoint makes of a request; it may throw, as when it cannot be reached. */
export type Answer = (sent: Sent, attempt: number) => Response | Promise<Response>;

/** A log, a clock and an endpoint in memory. */
export class World {
  now = START_MS;
  random = 0.5;
  sent: Sent[] = [];
  told: Record<string, unknown>[] = [];
  reads: string[] = [];
  inFlight = 0;
  mostInFlight = 0;
  /** How many entries a page has at most, whatever is asked for, and how many versions it looks at. */
  pageEntries = Number.POSITIVE_INFINITY;
  pageVersions = Number.POSITIVE_INFINITY;
  entries: LogEntry[];
  answer: Answer;

  constructor(entries: LogEntry[], answer: Answer = () => new Response()) {
    this.entries = entries;
    this.answer = answer;
  }

  get head(): number {
    return this.entries.at(-1)?.version ?? 0;
  }

  /** The keys of all messages that a filter lets through, in the order of the log. */
  wanted(types: string[] | null): string[] {
    return this.entries.flatMap(({ version, changes }) =>
      changes.flatMap(({ type }, index) => (isWanted(type, types) ? [`${version}.${index}`] : [])),
    );
  }

  get keys(): string[] {
    return this.sent.map(({ key }) => key);
  }

  /** Whether an offer is open, by its id; it may throw. */
  isOffered: (offerId: string) => boolean = () => true;

  readonly ports: DeliveryPorts = {
    isOffered: async (_, { offerId }) => this.isOffered(offerId),
    now: () => this.now,
    random: () => this.random,
    linkFor: async () => null,
    tell: (problem, details) => this.told.push({ problem, ...details }),
    readRange: async ({ after, to, limit }) => {
      this.reads.push(`${after}..${to}`);
      const end = Math.min(to, after + this.pageVersions);
      const all = this.entries.filter(({ version }) => version > after && version <= end);
      const entries = all.slice(0, Math.min(limit, this.pageEntries));
      const last = entries.length < all.length ? (entries.at(-1)?.version ?? after) : end;
      return { entries, next: last < to ? last : null };
    },
    readVersions: async (versions) => {
      this.reads.push(versions.join());
      return this.entries.filter(({ version }) => versions.includes(version));
    },
    fetch: async (_, { headers, body }) => {
      const text = String(body);
      const { version, index } = JSON.parse(text).data;
      const key = `${version}.${index}`;
      const attempt = this.keys.filter((each) => each === key).length + 1;
      const sent: Sent = {
        ...{ key, version, index, at: this.now, body: text },
        headers: headers as Record<string, string>,
      };
      this.sent.push(sent);
      this.inFlight++;
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
      try {
        return await this.answer(sent, attempt);
      } finally {
        this.inFlight--;
      }
    },
  };
}
