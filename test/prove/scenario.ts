import { ATTEMPT_TIMEOUT_MS, ID_MAX_CHARS, PAGE_MAX_ROWS } from '../../src/limits.ts';
import { CALM, drawWeather, type Weather } from './faults.ts';
import type { Guess } from './guess.ts';
import { type Asked, ERASABLE, type List, NOBODY, type Patch } from './history.ts';
import { Random } from './random.ts';

/** What happens in a run beside the faults of the calls. */
export type Kind =
  | 'faults'
  | 'worker crash'
  | 'database crash'
  | 'interruption'
  | 'split brain'
  /** Keys that were used before the worker's memory began are sent again all the time. */
  | 'replays'
  /** Two workers, one of which writes so slowly that the other is always there before it. */
  | 'outrun';

/** Ten runs in a row hold each kind this often. */
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

/** Every so many runs one keeps the product's own deadlines; the others cut them short. */
const REAL_DEADLINES_EVERY = 15;

/** What the deadlines are multiplied with in the other runs. */
export const SHORT_SCALE = 1 / 6;

/** Every so many runs has a crowd in line, and a capacity raised for more than one transaction of it. */
const CROWD_EVERY = 10;
const CROWD_FROM = 4;
/** What happens in those. */
const CROWD_KINDS: Kind[] = [
  'worker crash',
  'worker crash',
  'interruption',
  'database crash',
  'split brain',
];

/** Every so many runs one is about who has to wait, and for how long. */
const PRESSURE_EVERY = 25;
const PRESSURE: Partial<Record<number, Kind>> = { 7: 'replays', 18: 'outrun' };

/** How long a transaction takes where replays come in between. */
const REPLAYS_TRANSACTION_MS = 40;
/** How long a transaction of the slower worker takes, as a share of what an attempt may. */
const OUTRUN_SHARE = 0.8;

/** Characters of the longest ids: four bytes each as UTF-8. */
const LONG = '\u{20000}';
/** An id in which whatever is written into URLs, lists and CSV has to be escaped. */
export const ODD_NAME = 'o\'neil, "x" & y=1?#/%41é';

const NAMES = ['ana', 'ben', 'cleo', 'dora', 'emil', 'finn', 'gus', 'hana'];

/** A run, all of it drawn from its seed. */
export interface Scenario {
  seed: number;
  kind: Kind;
  scale: number;
  weather: Weather;
  userIds: string[];
  /** The events; what two clients that race to create one ask for. */
  events: { eventId: string; hasWaitlist: boolean; capacities: number[] }[];
  clients: number;
  operationsPerClient: number;
  /** Pause between two operations of a client. */
  pauseMs: number;
  weights: Record<Exclude<Asked['type'], 'create'> | Extra, number>;
  /** How many of the clients send idempotency keys. */
  keyedClients: number;
  /**
   * What the organiser raises the capacity of the first event to, where a crowd is in line, and after
   * how many of its transactions something happens.
   */
  raise: { capacity: number; afterOperations: number; strikeAfter: number } | null;
  /** Who is erased, and after how many operations of all. */
  erasures: { userId: string; afterOperations: number }[];
  /** How often a user gets another name. */
  renames: number;
  /** After how many operations something is killed or interrupted. */
  disruptions: number[];
  /** How long what was killed stays down. */
  downMs: number;
}

/** What clients do that is no single request of an operation. */
export type Extra =
  /** Registers several with one call. */
  | 'registerAll'
  /** Sends a request again whose key was answered. */
  | 'askAgain'
  /** Sends another request under its key. */
  | 'askAmiss'
  /** Asks about an event that does not exist. */
  | 'askNowhere';

/** Which runs have two workers, so that reads and refusals may be out of date. */
export function hasTwoOwners({ kind }: Scenario): boolean {
  return kind === 'split brain' || kind === 'outrun';
}

/** Whether nothing happens to calls or processes while clients ask. */
export function isCalm({ kind, weather }: Scenario): boolean {
  return kind === 'replays' || (kind === 'faults' && weather === CALM);
}

/** Turns a name into an id of the longest, and no shorter in bytes than there can be. */
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
  // Whether anybody is refused in a calm, or for ever put back, is told by the product's own deadlines:
  // short ones run out by chance on a busy machine.
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
    },
    keyedClients: Math.round(clients * random.pick([0, 0.4, 0.8])),
    raise: isCrowded
      ? {
          capacity: random.int(70, crowd),
          afterOperations: random.int(0, total >> 1),
          strikeAfter: random.pick([1, 1, 2]),
        }
      : null,
    disruptions: Array.from({ length: kind === 'interruption' ? 5 : isCrowded ? 1 : 2 }, () =>
      random.int(Math.ceil(total * 0.1), Math.ceil(total * 0.9)),
    ).sort((a, b) => a - b),
    downMs: random.pick([0, 20, 150]),
  };
}

/** Nothing happens to the calls, though transactions may take their time. */
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

/** How far from now a window opens or closes at most: within a run, mostly. */
const WINDOW_MAX_MS = 900;

/** Draws what an organiser changes; who paused an event mostly opens it again soon. */
export function drawPatch(random: Random): Patch {
  const patch: Patch = {};
  if (random.chance(0.6)) patch.capacity = random.int(1, 5);
  if (random.chance(0.2)) patch.hasWaitlist = random.chance(0.7);
  if (random.chance(0.2)) patch.waitlistCapacity = random.pick([null, null, 0, 1, 3]);
  if (random.chance(0.2)) Object.assign(patch, drawWindow(random));
  const hasStatus = random.chance(0.25) || Object.keys(patch).length === 0;
  if (hasStatus) patch.status = random.pick(['OPEN', 'OPEN', 'PAUSED', 'CLOSED']);
  return patch;
}

/** A window that opens or closes soon, or did a moment ago; one of its ends may stay as it is. */
function drawWindow(random: Random): Patch {
  const soon = () => Date.now() + Math.round(random.between(-0.2, 1) * WINDOW_MAX_MS);
  const [first, second] = [soon(), soon()].sort((a, b) => a - b);
  const time = (moment = 0) => new Date(moment).toISOString();
  const opens = { registrationOpensAt: random.chance(0.8) ? time(first) : null };
  const closes = { registrationClosesAt: random.chance(0.8) ? time((second ?? 0) + 1) : null };
  return random.pick([opens, closes, { ...opens, ...closes }]);
}

/** Draws which page of which list is asked for: the first, or one that follows a page that was told. */
export function drawList(random: Random, guess: Guess, isCrowded: boolean): Asked {
  const list = random.pick<List>(['registrations', 'waitlist']);
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

/** Draws who is registered with one call: a user may be named twice, and one may not exist. */
export function drawMany(random: Random, userIds: string[], mayHaveNobody: boolean): string[] {
  const many = Array.from({ length: random.int(1, 4) }, () => random.pick(userIds));
  return mayHaveNobody && random.chance(0.3) ? [...many, NOBODY] : many;
}
