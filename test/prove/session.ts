import { setTimeout as sleep } from 'node:timers/promises';
import { Asker } from './asker.ts';
import { CALM } from './faults.ts';
import { Guess } from './guess.ts';
import { type Asked, type Operation, Recorder } from './history.ts';
import { Random } from './random.ts';
import { drawPatch, type Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** After this time clients begin nothing new: no run goes on for long, whatever the weather. */
const RUN_MAX_MS = 12_000;
/** How often something is tried without which there is little to see. */
const MAX_ATTEMPTS = 30;
const RETRY_PAUSE_MS = 20;
/** Actions by which a part of a large raise is told from what clients do meanwhile. */
const PART_MIN_ACTIONS = 50;
/** How long calls may still be under way when the clients have their answers: late ones, mostly. */
const SETTLE_TIMEOUT_MS = 5_000;

/** The clients of a run and what is done to them. */
export class Session {
  readonly scenario: Scenario;
  readonly recorder = new Recorder();
  readonly asker: Asker;
  /** What was seen that no history can explain. */
  readonly violations: string[] = [];
  crashes = 0;
  interruptions = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #guesses = new Map<string, Guess>();
  /** Done one after the other, since what was killed has to come back. */
  #disruption: Promise<void> = Promise.resolve();
  #begun = 0;
  #deadline = 0;

  constructor(scenario: Scenario, world: World) {
    this.scenario = scenario;
    this.#world = world;
    this.#random = new Random(scenario.seed, 'disruptions');
    this.asker = new Asker({
      port: (worker) => this.#port(worker),
      recorder: this.recorder,
      random: this.#random,
      onViolation: (what) => this.violations.push(what),
    });
  }

  /** Lets the clients loose until they are done. */
  async play(): Promise<void> {
    const { clients, events, raise, userIds, weather } = this.scenario;
    this.#deadline = performance.now() + RUN_MAX_MS;
    // A crowd comes in fair weather: it is what happens to it afterwards that is of interest.
    if (raise) this.#world.proxy.weather = CALM;
    await Promise.all(
      events.flatMap(({ eventId, hasWaitlist, capacities }, i) =>
        capacities.map((capacity, j) =>
          this.#insist(`a${i}${j}`, eventId, { type: 'create', capacity, hasWaitlist }),
        ),
      ),
    );
    const [first] = events;
    if (raise && first) await this.asker.askAll('bulk', first.eventId, userIds);
    this.#world.proxy.weather = weather;
    await Promise.all([
      ...Array.from({ length: clients }, (_, i) => this.#behave(i)),
      ...(raise && first ? [this.#raise(first.eventId, raise)] : []),
    ]);
    await this.#disruption;
    await this.#lookOnceMore();
    this.asker.close();
  }

  /** The port of a worker, of this one or of any, once one is up. */
  async #port(number?: number): Promise<number | null> {
    if (number !== undefined) return this.#world.workers[number]?.port ?? null;
    const up = this.#world.workers.filter((worker) => worker !== null);
    if (up.length === 0) await this.#disruption;
    const worker = up.length > 0 ? this.#random.pick(up) : this.#world.workers[0];
    return worker?.port ?? null;
  }

  /** Asks until there is an answer, or nobody can tell. */
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

  /** One client: asks, waits for the answer, pauses, and asks again. */
  async #behave(number: number): Promise<void> {
    const { seed, operationsPerClient, events, keyedClients, pauseMs } = this.scenario;
    const client = `c${number}`;
    const random = new Random(seed, client);
    for (let i = 0; i < operationsPerClient && performance.now() < this.#deadline; i++) {
      const { eventId } = random.pick(events);
      const type = random.weighted(this.scenario.weights);
      this.#disrupt();
      if (type === 'askAgain') {
        await this.asker.askAgain();
      } else {
        const request = this.#request(type, eventId, random);
        const isKeyed =
          number < keyedClients && !['read', 'stand', 'update'].includes(request.type);
        const operation = await this.asker.ask(client, eventId, request, { isKeyed });
        if (operation) this.#guess(eventId).learn(operation);
      }
      if (pauseMs > 0) await sleep(random.between(0, pauseMs));
    }
  }

  #request(type: Exclude<Asked['type'], 'create'>, eventId: string, random: Random): Asked {
    const guess = this.#guess(eventId);
    if (guess.isPaused && random.chance(0.3)) return { type: 'update', patch: { status: 'OPEN' } };
    switch (type) {
      case 'read':
      case 'cancel':
        return { type };
      case 'update':
        return { type, patch: drawPatch(random) };
      default:
        return { type, userId: guess.pickUser(type, this.scenario.userIds, random) };
    }
  }

  #guess(eventId: string): Guess {
    const guess = this.#guesses.get(eventId) ?? new Guess();
    this.#guesses.set(eventId, guess);
    return guess;
  }

  /** The organiser lets the crowd in; something happens to the service in the middle of it. */
  async #raise(eventId: string, raise: NonNullable<Scenario['raise']>): Promise<void> {
    while (this.#begun < raise.afterOperations && performance.now() < this.#deadline) {
      await sleep(1);
    }
    const isDue = this.#world.proxy.afterTransactions(raise.strikeAfter, PART_MIN_ACTIONS);
    const asked = this.#insist('org', eventId, {
      type: 'update',
      patch: { capacity: raise.capacity },
    });
    await Promise.race([isDue, asked]);
    this.#strikeIn(0);
    await asked;
  }

  /** Kills or interrupts what the scenario says when it is time. */
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
      case 'faults':
      case 'split brain':
        return;
    }
  }

  /**
   * When all is over and the sky is clear, everybody looks once more: an object that loads finishes
   * what was cut short, and what it then tells has to fit the tables.
   */
  async #lookOnceMore(): Promise<void> {
    this.#world.proxy.weather = CALM;
    await this.#world.proxy.settle(SETTLE_TIMEOUT_MS);
    this.#deadline = performance.now() + RUN_MAX_MS;
    const looks = this.scenario.events.flatMap(({ eventId }) =>
      this.#world.workers.map((_, number) =>
        this.#insist('end', eventId, { type: 'read' }, number),
      ),
    );
    await Promise.all(looks);
  }
}
