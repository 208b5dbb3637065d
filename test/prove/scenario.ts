import { ATTEMPT_TIMEOUT_MS, ID_MAX_CHARS, PAGE_MAX_ROWS } from '../../src/limits.ts';
import { type BadAlarms, drawAlarms } from './bad-alarms.ts';
import { CALM, drawWeather, type Weather } from './faults.ts';
import type { Guess } from './guess.ts';
import { type Asked, ERASABLE, NOBODY, type Patch, type PeopleList } from './history.ts';
import { Random } from './random.ts';

/** What happens in a run in addition to the faults of calls. */
export type Kind =
  | 'faults'
  | 'worker crash'
  | 'database crash'
  | 'interruption'
  | 'split brain'
  /** Used keys that the worker does not have in memory are sent again all the time. */
  | 'replays'
  /** There are two workers. One writes so slowly that the other is always first. */
  | 'outrun';

/** The kinds of ten runs in a row. */
const KINDS: Kind[] = [
  'faults',
  'worker crash',
  'split brain',
  'faults',
  'interruption',
  'database crash',
  'faults',
  'worker crash',
  'split brain',
  'interruption',
];

/** One of so many runs has the product's own deadlines; the others have short ones. */
const REAL_DEADLINES_EVERY = 15;

/** The factor of the short deadlines. */
export const SHORT_SCALE = 1 / 6;

/** People of a crowd who register while seats are given to it. */
const NEWCOMERS = 12;
/** More transactions than a raise has: it is answered before anything strikes. */
const NEVER = 99;
/** One of so many runs has a crowd in line, and a raise that needs several transactions. */
const CROWD_EVERY = 10;
const CROWD_FROM = 4;
/** The kinds of these runs. */
const CROWD_KINDS: Kind[] = [
  'worker crash',
  'worker crash',
  'interruption',
  'database crash',
  'split brain',
];

/** One of so many runs is about waiting times. */
const PRESSURE_EVERY = 25;
const PRESSURE: Partial<Record<number, Kind>> = { 7: 'replays', 18: 'outrun' };

/** Share of the short runs without erasures in which clocks are wrong, and how much with the product's own deadlines. */
const BAD_CLOCKS_SHARE = 0.7;
const CLOCK_MAX_MS = 2_000;

/** One of so many runs sends no messages. Many of these crash. */
const NO_WEBHOOKS_EVERY = 6;
const NO_WEBHOOKS_FROM = 1;

/** How long a transaction takes in a run with replays. */
const REPLAYS_TRANSACTION_MS = 40;
/** How long a transaction of the slower worker takes, as a share of the timeout of an attempt. */
const OUTRUN_SHARE = 0.8;

/** The character of the longest ids: four bytes in UTF-8. */
const LONG = '\u{20000}';
/** An id that must be escaped in URLs, lists and CSV. */
export const ODD_NAME = 'o\'neil, "x" & y=1?#/%41é';

const NAMES = ['ana', 'ben', 'cleo', 'dora', 'emil', 'finn', 'gus', 'hana'];

/** A run; all of it is drawn from its seed. */
export interface Scenario {
  seed: number;
  kind: Kind;
  scale: number;
  weather: Weather;
  userIds: string[];
  /** The events, each with the capacities of the creations that race for it. */
  events: { eventId: string; hasWaitlist: boolean; capacities: number[] }[];
  clients: number;
  operationsPerClient: number;
  /** Pause between two operations of a client. */
  pauseMs: number;
  weights: Record<Exclude<Asked['type'], 'create'> | Extra, number>;
  /** How many of the clients send idempotency keys. */
  keyedClients: number;
  /**
   * In a run with a crowd: the new capacity of the first event, and after how many transactions of the raise
   * something happens.
   */
  raise: {
    capacity: number;
    afterOperations: number;
    strikeAfter: number;
    /** Of the users: those who are not in line before. */
    newcomers: string[];
  } | null;
  /** Who is erased, and after how many operations of all. */
  erasures: { userId: string; afterOperations: number }[];
  /** How often a user gets another name. */
  renames: number;
  /** After how many operations something is killed or interrupted. */
  disruptions: number[];
  /** How long a killed process stays down. */
  downMs: number;
  /** How bad the alarms of objects are; null for good ones. */
  alarms: BadAlarms | null;
  /** Whether messages are sent. Where none are, alarms are for offers alone. */
  hasWebhooks: boolean;
  /** How far the clock of a worker may be ahead or behind, in milliseconds. Each that is started has another one. */
  clockMaxMs: number;
}

/** What clients do in addition to single requests. */
export type Extra =
  /** Registers several users with one call. */
  | 'registerAll'
  /** Repeats a request whose key was answered. */
  | 'askAgain'
  /** Sends a different request under its key. */
  | 'askAmiss'
  /** Asks about an event that does not exist. */
  | 'askNowhere'
  /** Reads a page of an event's log. */
  | 'readLog';

/** Whether a run has two workers, so that reads and refusals may be out of date. */
export function hasTwoOwners({ kind }: Scenario): boolean {
  return kind === 'split brain' || kind === 'outrun';
}

/** Whether nothing happens to calls or processes while clients ask. */
export function isCalm({ kind, weather }: Scenario): boolean {
  return kind === 'replays' || (kind === 'faults' && weather === CALM);
}

/** Turns a name into an id of the greatest length, in characters and in bytes. */
export function lengthened(name: string): string {
  const own = [...name].map((char) => String.fromCodePoint(0x2_0000 + (char.codePointAt(0) ?? 0)));
  return own.join('').padEnd(ID_MAX_CHARS * LONG.length, LONG);
}

/** Draws the run of a seed. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const isCrowded = seed % CROWD_EVERY === CROWD_FROM;
  const pressure = isCrowded ? undefined : PRESSURE[seed % PRESSURE_EVERY];
  const drawn = isCrowded ? random.pick(CROWD_KINDS) : (KINDS[seed % KINDS.length] ?? 'faults');
  const kind = pressure ?? drawn;
  const hasLongIds = random.chance(0.15);
  const idOf = (name: string) => (hasLongIds ? lengthened(name) : name);
  const events = Array.from({ length: isCrowded || pressure ? 1 : random.int(2, 3) }, (_, i) => ({
    eventId: idOf(`event-${seed}-${i}`),
    hasWaitlist: isCrowded || random.chance(0.75),
    capacities: random.chance(0.5) ? [random.int(1, 3)] : [random.int(1, 3), random.int(1, 3)],
  }));
  const clients = isCrowded ? random.int(3, 6) : random.int(6, 12);
  const operationsPerClient = random.int(10, 20);
  const total = clients * operationsPerClient;
  const crowd = random.int(110, 150);
  const unregister = random.pick([4, 8, 12]);
  const isFair = pressure !== undefined || random.chance(0.1);
  // Calm runs, and runs about waiting times, have the product's own deadlines: short ones run out by chance on a
  // busy machine.
  const hasRealDeadlines =
    pressure !== undefined || (isFair && kind === 'faults') || seed % REAL_DEADLINES_EVERY === 0;
  const scale = hasRealDeadlines ? 1 : SHORT_SCALE;
  const isShort = scale !== 1 && !isCrowded && pressure === undefined;
  const names = [...NAMES.slice(0, random.int(4, NAMES.length)), ODD_NAME];
  const persons = new Random(seed, 'persons');
  const erasures = Array.from({ length: isShort ? persons.pick([0, 1, 2]) : 0 }, (_, i) => ({
    userId: `${ERASABLE}-${i}`,
    afterOperations: persons.int(0, total >> 1),
  }));
  // Erasures wait for indexes by the clocks of several workers, with waits that are cut shorter than these.
  const mayHaveBadClocks = isShort && erasures.length === 0;
  const hasBadClocks = mayHaveBadClocks && new Random(seed, 'clocks').chance(BAD_CLOCKS_SHARE);
  return {
    seed,
    kind,
    scale,
    weather: isFair ? fairWeather(kind, scale) : drawWeather(random, scale),
    userIds: [
      ...(isCrowded ? Array.from({ length: crowd }, (_, i) => `user-${i}`) : names).map(idOf),
      ...erasures.map(({ userId }) => userId),
    ],
    erasures,
    renames: isShort ? 6 : 0,
    events,
    clients,
    operationsPerClient,
    pauseMs: random.pick([0, 0, 5, 20]),
    weights: {
      register: 10,
      unregister: isCrowded ? 2 : unregister,
      read: random.pick([2, 4]),
      stand: isCrowded ? 4 : 2,
      leaveLine: 1.5,
      override: 0.5,
      update: isCrowded ? 0 : 2,
      cancel: isCrowded || pressure ? 0 : random.pick([0, 0, 0.1]),
      look: isCrowded ? 0 : 0.7,
      list: 2,
      registerAll: isCrowded ? 0 : 0.7,
      askAgain: 1,
      askAmiss: 0.5,
      askNowhere: 0.2,
      readLog: 0.7,
    },
    keyedClients: Math.round(clients * random.pick([0, 0.4, 0.8])),
    raise: isCrowded
      ? {
          capacity: random.int(70, crowd - NEWCOMERS - 5),
          afterOperations: random.int(0, total >> 1),
          strikeAfter: random.pick([1, 1, 2, NEVER]),
          newcomers: Array.from({ length: NEWCOMERS }, (_, i) => idOf(`user-${crowd - 1 - i}`)),
        }
      : null,
    disruptions: Array.from({ length: kind === 'interruption' ? 5 : isCrowded ? 1 : 2 }, () =>
      random.int(Math.ceil(total * 0.1), Math.ceil(total * 0.9)),
    ).sort((a, b) => a - b),
    downMs: random.pick([0, 20, 150]),
    alarms: drawAlarms(new Random(seed, 'alarms')),
    clockMaxMs: hasBadClocks ? CLOCK_MAX_MS * scale : 0,
    hasWebhooks: seed % NO_WEBHOOKS_EVERY !== NO_WEBHOOKS_FROM,
  };
}

/** Weather without faults, in which transactions may be slow. */
function fairWeather(kind: Kind, scale: number): Weather {
  switch (kind) {
    case 'replays':
      return { ...CALM, transactionMs: [REPLAYS_TRANSACTION_MS] };
    case 'outrun':
      return { ...CALM, transactionMs: [ATTEMPT_TIMEOUT_MS * scale * OUTRUN_SHARE] };
    default:
      return CALM;
  }
}

/** How far from now a window opens or closes at most: mostly within the run. */
const WINDOW_MAX_MS = 900;

/** Draws a change by the organiser. Half of the changes of the status open the event, so that it does not stay paused. */
export function drawPatch(random: Random): Patch {
  const patch: Patch = {};
  if (random.chance(0.6)) patch.capacity = random.int(1, 5);
  if (random.chance(0.2)) patch.hasWaitlist = random.chance(0.7);
  if (random.chance(0.2)) patch.waitlistCapacity = random.pick([null, null, 0, 1, 3]);
  if (random.chance(0.2)) Object.assign(patch, drawWindow(random));
  if (random.chance(0.5)) patch.offerSeconds = random.pick([null, 1, 1, 60]);
  if (random.chance(0.2))
    patch[random.pick(['promotesUntil', 'startsAt'] as const)] = drawLineEnd(random);
  const hasStatus = random.chance(0.25) || Object.keys(patch).length === 0;
  if (hasStatus) patch.status = random.pick(['OPEN', 'OPEN', 'PAUSED', 'CLOSED']);
  return patch;
}

/** Draws an end of the line that comes soon, or came a moment ago. Often there is none. */
function drawLineEnd(random: Random): string | null {
  if (random.chance(0.4)) return null;
  const moment = Date.now() + Math.round(random.between(-0.2, 1) * WINDOW_MAX_MS);
  return new Date(moment).toISOString();
}

/** Draws a window that opens or closes soon, or did so a moment ago. One of its ends may stay as it is. */
function drawWindow(random: Random): Patch {
  const soon = () => Date.now() + Math.round(random.between(-0.2, 1) * WINDOW_MAX_MS);
  const [first, second] = [soon(), soon()].sort((a, b) => a - b);
  const time = (moment = 0) => new Date(moment).toISOString();
  const opens = { registrationOpensAt: random.chance(0.8) ? time(first) : null };
  const closes = { registrationClosesAt: random.chance(0.8) ? time((second ?? 0) + 1) : null };
  return random.pick([opens, closes, { ...opens, ...closes }]);
}

/** Draws a request for a page of a list: the first page, or one that follows a known page. */
export function drawList(random: Random, guess: Guess, isCrowded: boolean): Asked {
  const list = random.pick<PeopleList>(['registrations', 'offers', 'waitlist']);
  const cursor = guess.cursors.get(list);
  const isNext = cursor !== undefined && random.chance(0.7);
  const isCsv = !isNext && random.chance(0.25);
  return {
    type: 'list',
    list,
    format: isCsv ? 'csv' : 'json',
    after: isNext ? cursor : 0,
    limit: isCsv ? PAGE_MAX_ROWS : random.pick(isCrowded ? [10, 40, 1_000] : [1, 2, 3, 1_000]),
  };
}

/** Draws the users of a bulk registration: one may be there twice, and one may not exist. */
export function drawMany(random: Random, userIds: string[], mayHaveNobody: boolean): string[] {
  const many = Array.from({ length: random.int(1, 4) }, () => random.pick(userIds));
  return mayHaveNobody && random.chance(0.3) ? [...many, NOBODY] : many;
}
