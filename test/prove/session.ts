import { setTimeout as sleep } from 'node:timers/promises';
import { playAftermath } from './aftermath.ts';
import { Asker } from './asker.ts';
import { alarmLatenessMs, LOOK_EVERY_MS } from './bad-alarms.ts';
import type { Call } from './client.ts';
import type { Endpoints } from './endpoints.ts';
import { CALM } from './faults.ts';
import { Guess } from './guess.ts';
import { type Asked, isErasable, NOBODY, type Operation, Recorder } from './history.ts';
import type { Conditions } from './liveness.ts';
import { LogReader } from './log-reader.ts';
import { Persons } from './persons.ts';
import { type Pressure, playLateCreation, playOutrun, playReplays } from './pressure.ts';
import { Random } from './random.ts';
import { drawList, drawMany, drawPatch, type Extra, isCalm, type Scenario } from './scenario.ts';
import { rowsOf } from './tables.ts';
import { Watchers } from './watchers.ts';
import { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

/** After this time clients send nothing new, so that a run ends soon in any weather. */
const RUN_MAX_MS = 12_000;
/** Attempts of requests on which the rest of the run depends. */
const MAX_ATTEMPTS = 30;
const RETRY_PAUSE_MS = 20;
/** A transaction with at least so many actions is a step of a large raise. */
const PART_MIN_ACTIONS = 50;
/** How far apart newcomers register during a large raise. */
const NEWCOMERS_EVERY_MS = 4;
/** How long calls may still be under way after the last answer: mostly late ones. */
const SETTLE_TIMEOUT_MS = 5_000;

/** Requests that every client sends without a key. */
const NEVER_KEYED = new Set<Asked['type']>(['read', 'look', 'stand', 'list', 'update']);
/** How long before an erasure, and after it, somebody asks for places of theirs, and how often, at most. */
const ERASURE_WITHIN_MS = 300;
const INSISTS_EVERY_MS = 80;
/** Share of the requests that are about a user who does not exist. */
const NOBODY_SHARE = 0.02;
/** Share of the changes that have `If-Match` with the revision that the client knows. */
const IF_MATCH_SHARE = 0.4;

/** How long a client goes on, and how it pauses. */
interface Pace {
  /** Milliseconds on the performance clock. */
  until: number;
  maxOperations?: number;
  pauseMs: number;
  worker?: number | undefined;
}

/** Runs the clients of a scenario, and its faults. */
export class Session {
  readonly scenario: Scenario;
  readonly recorder = new Recorder();
  readonly asker: Asker;
  readonly logs: LogReader;
  readonly webhooks: Webhooks;
  readonly watchers: Watchers;
  /** What decides how soon an answer has to come. */
  readonly conditions: Conditions;
  /** The events that there may be, and one that there never is. */
  readonly eventIds: string[];
  /** Observations that no history can explain. */
  readonly violations: string[] = [];
  crashes = 0;
  interruptions = 0;
  readonly #world: World;
  readonly #endpoints: Endpoints;
  readonly #nowhere: string;
  readonly #late: string;
  readonly #random: Random;
  readonly #guesses = new Map<string, Guess>();
  readonly persons: Persons;
  /** Interruptions, one after the other: a killed process must be back before the next one. */
  #disruption: Promise<void> = Promise.resolve();
  #begun = 0;
  #deadline = 0;

  constructor(scenario: Scenario, world: World, endpoints: Endpoints) {
    this.scenario = scenario;
    this.#world = world;
    this.#endpoints = endpoints;
    this.#random = new Random(scenario.seed, 'disruptions');
    const { seed, scale, raise, events } = scenario;
    this.conditions = { scale, isCalm: isCalm(scenario), isRaised: raise !== null };
    this.#nowhere = `nowhere-${seed}`;
    this.#late = `late-${seed}`;
    this.eventIds = [...events.map(({ eventId }) => eventId), this.#nowhere, this.#late];
    this.persons = new Persons({
      port: () => this.#port(),
      recorder: this.recorder,
      eventIds: this.eventIds,
      onViolation: (what) => this.violations.push(what),
    });
    this.asker = new Asker({
      port: (worker) => this.#port(worker),
      recorder: this.recorder,
      random: this.#random,
      conditions: this.conditions,
      slowCallsMs: () => world.proxy.slowCallsMs,
      onViolation: (what) => this.violations.push(what),
    });
    this.logs = new LogReader(this.asker, this.recorder, (what) => this.violations.push(what));
    this.watchers = new Watchers({
      eventIds: events.map(({ eventId }) => eventId),
      userIds: scenario.userIds,
      random: new Random(seed, 'watchers'),
      ports: () => world.workers.map((worker) => worker?.port ?? null),
      knownOf: (eventId) => this.logs.knownOf(eventId),
      onViolation: (what) => this.violations.push(what),
    });
    this.webhooks = new Webhooks({
      endpoints,
      eventIds: this.eventIds,
      random: new Random(seed, 'webhooks'),
      ports: () => world.workers.map((worker) => worker?.port ?? null),
      readItems: () => world.readItems(),
      readLogs: async () => {
        const tables = await world.readTables();
        return this.eventIds.map((eventId) => rowsOf(tables, eventId).log);
      },
      latenessMs: alarmLatenessMs(scenario.alarms) + 2 * scenario.clockMaxMs,
      onViolation: (what) => this.violations.push(what),
    });
  }

  /** Erases those who are to be erased, each when it is time, as far as it gets until the clients are done. */
  async #erase(): Promise<void> {
    const { erasures } = this.scenario;
    await Promise.all(
      erasures.map(async ({ userId, afterOperations }) => {
        while (this.#begun < afterOperations && performance.now() < this.#deadline) await sleep(1);
        let isOver = false;
        const insisting = this.#insistOn(userId, () => isOver);
        await sleep(this.#random.between(0, ERASURE_WITHIN_MS));
        await this.persons.erase(userId, this.#deadline);
        await sleep(this.#random.between(0, ERASURE_WITHIN_MS));
        isOver = true;
        await insisting;
      }),
    );
  }

  /**
   * Somebody asks for places while they are erased, and for a moment after it, of all events and workers. At
   * first they may just ask where they stand, which makes them known without giving them a place.
   */
  async #insistOn(userId: string, isOver: () => boolean): Promise<void> {
    const { events, seed } = this.scenario;
    const random = new Random(seed, `insists ${userId}`);
    const asksUntil = performance.now() + random.pick([0, ERASURE_WITHIN_MS]);
    while (!isOver() && performance.now() < this.#deadline) {
      const { eventId } = random.pick(events);
      const isAsking = performance.now() < asksUntil || random.chance(0.2);
      // Mostly past the capacity: events are small, and full.
      const type = isAsking ? 'stand' : random.pick(['register', 'override', 'override'] as const);
      await this.asker.ask('insists', eventId, { type, userId });
      await sleep(random.between(0, INSISTS_EVERY_MS));
    }
  }

  /** Runs the clients until they are done. */
  async play(): Promise<void> {
    const isOver = new AbortController();
    const looks = this.#lookForOverdue(isOver.signal);
    try {
      await this.#playAll();
    } finally {
      isOver.abort();
      await looks;
    }
  }

  /** Where alarms are lost, has a worker look for what is overdue now and then. */
  async #lookForOverdue(isOver: AbortSignal): Promise<void> {
    const { workers } = this.#world;
    if (!this.scenario.alarms?.lost) return;
    for (let turn = 0; !isOver.aborted; turn++) {
      await sleep(LOOK_EVERY_MS);
      // The platform has no worker do this that is down.
      const up = workers.flatMap((worker, number) => (worker ? [number] : []));
      const number = up[turn % up.length];
      if (number !== undefined) await this.#world.lookForOverdue(number);
    }
  }

  async #playAll(): Promise<void> {
    const { clients, events, raise, userIds, weather, kind } = this.scenario;
    const { operationsPerClient: maxOperations, pauseMs, scale } = this.scenario;
    this.#deadline = performance.now() + RUN_MAX_MS;
    // The crowd registers in fair weather; the faults begin after that.
    if (raise || kind === 'replays') this.#world.proxy.weather = CALM;
    await Promise.all(
      events.flatMap(({ eventId, hasWaitlist, capacities }, i) =>
        capacities.map((capacity, j) =>
          this.#insist(`a${i}${j}`, eventId, { type: 'create', capacity, hasWaitlist }),
        ),
      ),
    );
    const [first] = events;
    if (raise && first) {
      const isKeyed = this.#random.chance(0.5);
      const waiting = userIds.filter((userId) => !raise.newcomers.includes(userId));
      await this.asker.askAll('bulk', first.eventId, waiting, { isKeyed });
    }
    this.#world.proxy.weather = weather;
    const calls = this.webhooks.play();
    this.watchers.begin();
    if (first && (kind === 'replays' || kind === 'outrun')) await this.#press(kind, first.eventId);
    else {
      const pace = { until: this.#deadline, maxOperations, pauseMs };
      await Promise.all([
        ...Array.from({ length: clients }, (_, i) => this.#behave(i, pace)),
        ...(raise && first ? [this.#raise(first.eventId, raise)] : []),
        this.#erase(),
        this.#rename(),
        playLateCreation(this.asker, this.#late, { workers: this.#world.workers.length, scale }),
      ]);
    }
    await this.#disruption;
    this.webhooks.stop();
    await calls;
    await this.watchers.pause();
    this.crashes += await playAftermath({
      ...{ scenario: this.scenario, world: this.#world, endpoints: this.#endpoints },
      ...{ webhooks: this.webhooks, watchers: this.watchers },
      ...{ asker: this.asker, random: this.#random },
    });
    this.watchers.goOn();
    await this.#lookOnceMore();
    await this.webhooks.untilQuiet();
    await this.watchers.lookAtTheEnd();
    await this.webhooks.lookAtTheEnd();
    this.webhooks.close();
    this.asker.close();
    this.persons.close();
  }

  async #rename(): Promise<void> {
    const { renames, userIds, pauseMs } = this.scenario;
    const [userId] = userIds;
    if (userId !== undefined) await this.persons.rename(userId, renames, 10 * pauseMs);
  }

  /** Puts the event of the run under pressure for a while. */
  async #press(kind: 'replays' | 'outrun', eventId: string): Promise<void> {
    const pressure: Pressure = {
      asker: this.asker,
      eventId,
      userIds: this.scenario.userIds,
      random: this.#random,
      behave: (number, manner) => this.#behave(number, manner),
    };
    if (kind === 'outrun') return playOutrun(pressure);
    await playReplays(pressure, async () => {
      await this.#world.killWorker(0);
      await this.#world.startWorker(0);
    });
  }

  /** The port of this worker, or of any, once it is up. */
  async #port(number?: number): Promise<number | null> {
    if (number !== undefined) return this.#world.workers[number]?.port ?? null;
    const up = this.#world.workers.filter((worker) => worker !== null);
    if (up.length === 0) await this.#disruption;
    const worker = up.length > 0 ? this.#random.pick(up) : this.#world.workers[0];
    return worker?.port ?? null;
  }

  /** Sends a request until there is an outcome, which may be unknown. */
  async #insist(
    client: string,
    eventId: string,
    request: Asked,
    worker?: number,
  ): Promise<Operation | null> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS && performance.now() < this.#deadline; attempt++) {
      const isKeyed = request.type === 'create' && this.#random.chance(0.3);
      const operation = await this.asker.ask(client, eventId, request, { isKeyed, worker });
      const type = operation?.outcome.type;
      if (type && (type !== 'unknown' || request.type === 'update')) return operation;
      await sleep(RETRY_PAUSE_MS);
    }
    return null;
  }

  /** One client: sends a request, waits for the answer, pauses, and repeats. */
  async #behave(number: number, pace: Pace): Promise<void> {
    const { until, maxOperations = Number.POSITIVE_INFINITY, pauseMs, worker } = pace;
    const { seed, events, keyedClients } = this.scenario;
    const client = `c${number}`;
    const random = new Random(seed, client);
    for (let i = 0; i < maxOperations && performance.now() < until; i++) {
      const { eventId } = random.pick(events);
      const type = random.weighted(this.scenario.weights);
      this.#disrupt();
      const isKeyed = number < keyedClients;
      if (!isRequest(type)) {
        await this.#doExtra(type, client, eventId, { random, isKeyed, worker });
      } else {
        const request = this.#request(type, eventId, random);
        // Of who is erased an answer is not kept for a key: what the first attempt did could not be told.
        const isGone = 'userId' in request && isErasable(request.userId);
        const manner = { isKeyed: isKeyed && !isGone && !NEVER_KEYED.has(request.type), worker };
        const operation = await this.asker.ask(client, eventId, request, manner);
        if (operation) this.#guess(eventId).learn(operation);
      }
      if (pauseMs > 0) await sleep(random.between(0, pauseMs));
    }
  }

  async #doExtra(
    type: Extra,
    client: string,
    eventId: string,
    how: { random: Random; isKeyed: boolean; worker: number | undefined },
  ): Promise<void> {
    const { random, isKeyed, worker } = how;
    const { userIds } = this.scenario;
    switch (type) {
      case 'registerAll': {
        const many = isKeyed ? userIds.filter((userId) => !isErasable(userId)) : userIds;
        return this.asker.askAll(client, eventId, drawMany(random, many, !isKeyed), how);
      }
      case 'askAgain':
        return this.asker.askAgain(undefined, worker);
      case 'askAmiss':
        return this.asker.askAmiss((other) => this.#amiss(other, random));
      case 'readLog':
        return this.logs.readSomewhere(eventId, random, worker);
      case 'askNowhere':
        if (random.chance(0.5)) {
          return this.asker.askAll(client, this.#nowhere, drawMany(random, userIds, false), how);
        }
        await this.asker.ask(client, this.#nowhere, this.#request('list', this.#nowhere, random));
    }
  }

  /** A different request than the one that a key was used for: about one user, or a bulk request. */
  #amiss(eventId: string, random: Random): Call {
    // Somebody who does not exist any more is refused before any key is looked at.
    const userIds = this.scenario.userIds.filter((userId) => !isErasable(userId));
    if (random.chance(0.5)) {
      return { type: 'registerAll', userIds: drawMany(random, userIds, false) };
    }
    const type = random.pick(['register', 'unregister', 'leaveLine'] as const);
    return { type, userId: this.#guess(eventId).pickUser(type, userIds, random) };
  }

  #request(type: Exclude<Asked['type'], 'create'>, eventId: string, random: Random): Asked {
    const guess = this.#guess(eventId);
    if (guess.isPaused && random.chance(0.3)) return { type: 'update', patch: { status: 'OPEN' } };
    if (guess.isShut && random.chance(0.3)) {
      const patch = { registrationOpensAt: null, registrationClosesAt: null };
      return { type: 'update', patch };
    }
    if (guess.isLineOver && random.chance(0.3)) {
      return { type: 'update', patch: { promotesUntil: null, startsAt: null } };
    }
    const isConditional = guess.revision !== null && random.chance(IF_MATCH_SHARE);
    const condition = isConditional ? { ifMatch: guess.revision ?? 0 } : {};
    switch (type) {
      case 'read':
      case 'look':
        return { type };
      case 'cancel':
        return { type, ...condition };
      case 'update':
        return { type, patch: drawPatch(random), ...condition };
      case 'list':
        return drawList(random, guess, this.scenario.raise !== null);
      default: {
        const userId = guess.pickUser(type, this.scenario.userIds, random);
        return { type, userId: random.chance(NOBODY_SHARE) ? NOBODY : userId };
      }
    }
  }

  #guess(eventId: string): Guess {
    const guess = this.#guesses.get(eventId) ?? new Guess();
    this.#guesses.set(eventId, guess);
    return guess;
  }

  /** Raises the capacity for the crowd, and interrupts the service during the raise. */
  async #raise(eventId: string, raise: NonNullable<Scenario['raise']>): Promise<void> {
    while (this.#begun < raise.afterOperations && performance.now() < this.#deadline) {
      await sleep(1);
    }
    const isDue = this.#world.proxy.afterTransactions(raise.strikeAfter, PART_MIN_ACTIONS);
    const asked = this.#insist('org', eventId, {
      type: 'update',
      patch: { capacity: raise.capacity },
    });
    // They come while the seats are being given, and must not get one of them.
    const comeLate = raise.newcomers.map(async (userId, i) => {
      await sleep(i * NEWCOMERS_EVERY_MS);
      await this.asker.ask(`late-${i}`, eventId, { type: 'register', userId });
    });
    await Promise.race([isDue, asked]);
    this.#strikeIn(0);
    await Promise.all([asked, ...comeLate]);
  }

  /** Kills or interrupts what the scenario says, at the time that it says. */
  #disrupt(): void {
    const begun = ++this.#begun;
    const due = this.scenario.disruptions.filter((moment) => moment === begun).length;
    for (let i = 0; i < due; i++) this.#strikeIn(this.#random.between(0, 15));
  }

  #strikeIn(delayMs: number): void {
    this.#disruption = this.#disruption.then(async () => {
      await sleep(delayMs);
      await this.#strike();
    });
  }

  async #strike(): Promise<void> {
    const { kind, downMs, events } = this.scenario;
    switch (kind) {
      case 'worker crash':
        await this.#world.killWorker(0);
        await sleep(downMs);
        await this.#world.startWorker(0);
        this.crashes++;
        return;
      case 'database crash':
        await this.#world.crashDatabase(downMs);
        this.crashes++;
        return;
      case 'interruption': {
        const { eventId } = this.#random.pick(events);
        const way = this.#random.pick(['interrupt', 'evict'] as const);
        if (await this.#world.endObject(way, eventId)) this.interruptions++;
        return;
      }
      default:
        return;
    }
  }

  /**
   * When all is over and the sky is clear, everybody looks once more: an object that loads finishes
   * what was cut short, and what it then tells has to fit the tables. So has its log.
   */
  async #lookOnceMore(): Promise<void> {
    this.#world.proxy.weather = CALM;
    await this.#world.proxy.settle(SETTLE_TIMEOUT_MS);
    this.#deadline = performance.now() + RUN_MAX_MS;
    const everywhere = (look: (eventId: string, worker: number) => Promise<unknown>) =>
      Promise.all(
        this.eventIds.flatMap((eventId) =>
          this.#world.workers.map((_, number) => look(eventId, number)),
        ),
      );
    await everywhere((eventId, number) => this.#insist('end', eventId, { type: 'read' }, number));
    for (const { userId } of this.scenario.erasures) {
      const isErased = await this.persons.erase(userId, performance.now() + RUN_MAX_MS);
      if (!isErased) this.violations.push(`the erasure of ${userId} comes to no end`);
    }
    await everywhere((eventId, number) => this.logs.readWhole(eventId, this.#random, number));
  }
}

const EXTRAS: readonly string[] = [
  'registerAll',
  'askAgain',
  'askAmiss',
  'askNowhere',
  'readLog',
] satisfies Extra[];

function isRequest<Type extends string>(type: Type | Extra): type is Exclude<Type, Extra> {
  return !EXTRAS.includes(type);
}
