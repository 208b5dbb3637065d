import { CALM, drawWeather, type Weather } from './faults.ts';
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
  weights: { register: number; unregister: number; read: number };
  /** After how many operations something is killed or interrupted. */
  disruptions: number[];
  /** How long what was killed stays down. */
  downMs: number;
}

/** Draws the run of a seed. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const kind = KINDS[seed % KINDS.length] ?? 'faults';
  const scale = seed % REAL_DEADLINES_EVERY === 0 ? 1 : SHORT_SCALE;
  const events = Array.from({ length: random.int(2, 3) }, (_, i) => ({
    eventId: `event-${seed}-${i}`,
    hasWaitlist: random.chance(0.75),
    capacities: random.chance(0.5) ? [random.int(1, 3)] : [random.int(1, 3), random.int(1, 3)],
  }));
  const clients = random.int(6, 12);
  const operationsPerClient = random.int(10, 20);
  const total = clients * operationsPerClient;
  return {
    seed,
    kind,
    scale,
    weather: random.chance(0.1) ? CALM : drawWeather(random, scale),
    userIds: NAMES.slice(0, random.int(4, NAMES.length)),
    events,
    clients,
    operationsPerClient,
    pauseMs: random.pick([0, 0, 5, 20]),
    weights: { register: 5, unregister: random.pick([2, 4, 6]), read: random.pick([1, 2]) },
    disruptions: Array.from({ length: kind === 'interruption' ? 5 : 2 }, () =>
      random.int(Math.ceil(total * 0.1), Math.ceil(total * 0.9)),
    ).sort((a, b) => a - b),
    downMs: random.pick([0, 20, 150]),
  };
}
