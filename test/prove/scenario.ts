import { CALM, drawWeather, type Weather } from './faults.ts';
import type { Asked, Patch } from './history.ts';
import { Random } from './random.ts';

/** What happens in a run beside the faults of the calls. */
export type Kind = 'faults' | 'worker crash' | 'database crash' | 'interruption' | 'split brain';

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
  weights: Record<Exclude<Asked['type'], 'create'> | 'askAgain', number>;
  /** How many of the clients send idempotency keys. */
  keyedClients: number;
  /**
   * What the organiser raises the capacity of the first event to, where a crowd is in line, and after
   * how many of its transactions something happens.
   */
  raise: { capacity: number; afterOperations: number; strikeAfter: number } | null;
  /** After how many operations something is killed or interrupted. */
  disruptions: number[];
  /** How long what was killed stays down. */
  downMs: number;
}

/** Draws the run of a seed. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const isCrowded = seed % CROWD_EVERY === CROWD_FROM;
  const kind = isCrowded ? random.pick(CROWD_KINDS) : (KINDS[seed % KINDS.length] ?? 'faults');
  const scale = seed % REAL_DEADLINES_EVERY === 0 ? 1 : SHORT_SCALE;
  const events = Array.from({ length: isCrowded ? 1 : random.int(2, 3) }, (_, i) => ({
    eventId: `event-${seed}-${i}`,
    hasWaitlist: isCrowded || random.chance(0.75),
    capacities: random.chance(0.5) ? [random.int(1, 3)] : [random.int(1, 3), random.int(1, 3)],
  }));
  const clients = isCrowded ? random.int(3, 6) : random.int(6, 12);
  const operationsPerClient = random.int(10, 20);
  const total = clients * operationsPerClient;
  const crowd = random.int(110, 150);
  const unregister = random.pick([4, 8, 12]);
  return {
    seed,
    kind,
    scale,
    weather: random.chance(0.1) ? CALM : drawWeather(random, scale),
    userIds: isCrowded
      ? Array.from({ length: crowd }, (_, i) => `user-${i}`)
      : NAMES.slice(0, random.int(4, NAMES.length)),
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
      update: isCrowded ? 0 : 1.5,
      cancel: isCrowded ? 0 : random.pick([0, 0, 0.1]),
      askAgain: 1,
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

/** Draws what an organiser changes; who paused an event mostly opens it again soon. */
export function drawPatch(random: Random): Patch {
  const patch: Patch = {};
  if (random.chance(0.6)) patch.capacity = random.int(1, 5);
  if (random.chance(0.2)) patch.hasWaitlist = random.chance(0.7);
  if (random.chance(0.2)) patch.waitlistCapacity = random.pick([null, null, 0, 1, 3]);
  const hasStatus = random.chance(0.25) || Object.keys(patch).length === 0;
  if (hasStatus) patch.status = random.pick(['OPEN', 'OPEN', 'PAUSED', 'CLOSED']);
  return patch;
}
