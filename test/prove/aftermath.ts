import { setTimeout as sleep } from 'node:timers/promises';
import type { Asker } from './asker.ts';
import type { Endpoints } from './endpoints.ts';
import { CALM, type Weather } from './faults.ts';
import type { Asked, Patch } from './history.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { Watchers } from './watchers.ts';
import type { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

/** DynamoDB cannot be reached. */
const OUTAGE: Weather = { ...CALM, weights: { 'lost call': 1 }, rate: 1 };
/** How long it cannot: longer than a short read may take, so that an alarm that goes off then finds nothing. */
const OUTAGE_MS = 700;
/** How long `away` is not there when the workers are killed, at most. */
const AWAY_MAX_MS = 800;
/** After this time no alarm is set any more where nothing is due: longer than `ALARM_GRACE_MS` in a build. */
const ALARMS_OVER_MS = 350;
/** How many seats there are when a line is offered some. */
const OFFERED_CAPACITY = 2;
/** How many wait before that: each is offered the seat for a second. */
const LINE_LENGTH = 3;
/** How long calls may still be under way after the last answer: mostly late ones. */
const SETTLE_TIMEOUT_MS = 5_000;

/** What takes part in the end of a history. */
export interface Aftermath {
  scenario: Scenario;
  world: World;
  endpoints: Endpoints;
  webhooks: Webhooks;
  watchers: Watchers;
  asker: Asker;
  random: Random;
}

/**
 * Clients have gone, and nobody calls the service any more: the alarms alone must see to it that all messages are
 * sent. In some histories everything is killed at this moment, and DynamoDB cannot be reached when the alarms go
 * off; in others the objects end. Then, in some, one more change is committed for which nobody is told, since
 * everything is killed between the commit and its answer.
 *
 * @returns how often everything was killed
 */
export async function playAftermath(aftermath: Aftermath): Promise<number> {
  const { scenario, world, endpoints, webhooks, random } = aftermath;
  const { kind, events } = scenario;
  const isKilled = kind === 'worker crash' || (kind === 'split brain' && random.chance(0.5));
  let crashes = 0;
  if (isKilled) {
    endpoints.leave(random.between(0, AWAY_MAX_MS));
    await killAll(world);
    world.proxy.weather = random.chance(0.5) ? OUTAGE : CALM;
    await startAll(world);
    if (world.proxy.weather === OUTAGE) await sleep(OUTAGE_MS);
    crashes++;
  } else if (kind === 'interruption') {
    const way = random.pick(['interrupt', 'evict'] as const);
    await Promise.all(events.map(({ eventId }) => world.endObject(way, eventId)));
  }
  world.proxy.weather = CALM;
  endpoints.calm();
  await world.proxy.settle(SETTLE_TIMEOUT_MS);
  await webhooks.untilQuiet();
  if (kind === 'interruption') {
    await wakeBySomeChange(aftermath);
    await webhooks.untilQuiet();
  }
  if (isKilled && (!scenario.hasWebhooks || random.chance(0.5))) {
    await sayTheLastWord(aftermath);
    await webhooks.untilQuiet();
    crashes++;
  }
  return crashes;
}

/** Changes an event, and kills everything when that is committed and before anybody is told. */
async function sayTheLastWord(aftermath: Aftermath): Promise<void> {
  const { scenario, world, asker, random } = aftermath;
  const { eventId } = random.pick(scenario.events);
  const worker = random.int(0, world.workers.length - 1);
  const isOffering = !scenario.hasWebhooks && !scenario.raise;
  if (isOffering) await formLine(aftermath, eventId, worker);
  await sleep(ALARMS_OVER_MS);
  const committed = world.proxy.afterTransactions(1, 0);
  // With offers the alarm is for their end, and has to pass the seats on to others who wait.
  const patch = isOffering
    ? { capacity: OFFERED_CAPACITY, offerSeconds: 1 }
    : { waitlistCapacity: random.int(100, 10_000) };
  const asked = asker.ask('last', eventId, { type: 'update', patch }, { worker });
  await Promise.race([committed, asked]);
  await killAll(world);
  await asked;
  await startAll(world);
}

/** Has one user hold the one seat of an event, and some wait for another. */
async function formLine(
  { scenario, asker }: Aftermath,
  eventId: string,
  worker: number,
): Promise<void> {
  const patch: Patch = {
    ...{ status: 'OPEN', capacity: 1, hasWaitlist: true, waitlistCapacity: null },
    ...{ registrationOpensAt: null, registrationClosesAt: null },
    ...{ startsAt: null, promotesUntil: null, offerSeconds: null },
  };
  const ask = (request: Asked) => asker.ask('line', eventId, request, { worker });
  await ask({ type: 'update', patch });
  for (const userId of scenario.userIds) {
    await ask({ type: 'leaveLine', userId });
    await ask({ type: 'unregister', userId });
  }
  for (const userId of scenario.userIds.slice(0, LINE_LENGTH + 1)) {
    await ask({ type: 'register', userId });
  }
}

/**
 * Has each object sleep while it is watched, and changes its event: those who have watched since before must be
 * told. What is changed is in every message, so that whoever was not told is seen to know less.
 */
async function wakeBySomeChange(aftermath: Aftermath): Promise<void> {
  const { scenario, world, watchers, asker, random } = aftermath;
  // An object that was interrupted has lost its sockets, and may not run; one that is watched anew runs.
  await watchers.reopen();
  await Promise.all(
    scenario.events.map(async ({ eventId }) => {
      await world.endObject('evict', eventId);
      const patch = { capacity: random.int(200, 10_000) };
      await asker.ask('last', eventId, { type: 'update', patch });
    }),
  );
}

async function killAll(world: World): Promise<void> {
  await Promise.all(world.workers.map((_, number) => world.killWorker(number)));
}

async function startAll(world: World): Promise<void> {
  await Promise.all(world.workers.map((_, number) => world.startWorker(number)));
}
