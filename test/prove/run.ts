import { setTimeout as sleep } from 'node:timers/promises';
import type { Build } from './build.ts';
import { check } from './checker.ts';
import { HttpClient, send, toOutcome, UnexpectedAnswerError, UnreachedError } from './client.ts';
import type { Fault } from './faults.ts';
import { changesOnly, type Operation, Recorder, type Request } from './history.ts';
import { Random } from './random.ts';
import { explainViolation } from './report.ts';
import type { Scenario } from './scenario.ts';
import { checkRows, rowsOf, strayRows, toContent } from './tables.ts';
import { World } from './world.ts';

/** After this time clients begin nothing new: no run goes on for long, whatever the weather. */
const RUN_MAX_MS = 12_000;
/** How often an event's creation is tried before the run goes on without the event. */
const CREATE_MAX_ATTEMPTS = 30;

/** What a run did, and which promises it found broken. */
export interface RunResult {
  scenario: Scenario;
  /** A readable account of each. */
  violations: string[];
  /** Events whose history could not be decided within the bounds of the search. */
  undecided: number;
  operations: number;
  unknown: number;
  crashes: number;
  interruptions: number;
  fencesLost: number;
  checkSteps: number;
  durationMs: number;
  faults: Map<Fault, number>;
  /** Outcomes by what they were. */
  outcomes: Map<string, number>;
}

/** Carries out the run of a scenario against a build, and checks what came of it. */
export async function run(scenario: Scenario, build: Build): Promise<RunResult> {
  const startedAt = performance.now();
  const world = await World.open({
    build,
    weather: scenario.weather,
    seed: scenario.seed,
    workers: scenario.kind === 'split brain' ? 2 : 1,
    isInterruptible: scenario.kind === 'interruption',
    isDurable: scenario.kind === 'database crash',
    userIds: scenario.userIds,
  });
  try {
    const session = new Session(scenario, world);
    await session.play();
    const violations = await session.verdict();
    return { ...violations, ...session.counts(), durationMs: performance.now() - startedAt };
  } finally {
    await world.close();
  }
}

/** The clients of a run and what is done to them. */
class Session {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #recorder = new Recorder();
  readonly #client = new HttpClient();
  readonly #random: Random;
  readonly #violations: string[] = [];
  readonly #seated = new Map<string, Set<string>>();
  /** Done one after the other, since what was killed has to come back. */
  #disruption: Promise<void> = Promise.resolve();
  #begun = 0;
  #crashes = 0;
  #interruptions = 0;

  constructor(scenario: Scenario, world: World) {
    this.#scenario = scenario;
    this.#world = world;
    this.#random = new Random(scenario.seed, 'disruptions');
  }

  /** Lets the clients loose until they are done. */
  async play(): Promise<void> {
    const { clients, events } = this.#scenario;
    const deadline = performance.now() + RUN_MAX_MS;
    await Promise.all(
      events.flatMap(({ eventId, hasWaitlist, capacities }, i) =>
        capacities.map((capacity, j) =>
          this.#create(`a${i}${j}`, eventId, { type: 'create', capacity, hasWaitlist }, deadline),
        ),
      ),
    );
    await Promise.all(Array.from({ length: clients }, (_, i) => this.#behave(`c${i}`, deadline)));
    await this.#disruption;
    this.#client.close();
  }

  /** Reads the tables and holds everything against the promises. */
  async verdict() {
    const tables = await this.#world.finalTables();
    const { scenario } = { scenario: this.#scenario };
    const eventIds = new Set(scenario.events.map(({ eventId }) => eventId));
    const violations = [...this.#violations, ...strayRows(tables, eventIds)];
    for (const lines of this.#world.logs) {
      const defects = lines.filter((line) => /"problem":"defect"|uncaught exception/i.test(line));
      violations.push(...defects.map((line) => `a defect in the worker's log: ${line}`));
    }
    let undecided = 0;
    let checkSteps = 0;
    const histories = this.#recorder.byEvent();
    for (const eventId of eventIds) {
      const rows = rowsOf(tables, eventId);
      const history = histories.get(eventId) ?? [];
      const faults = checkRows(rows, history);
      violations.push(...faults.map((fault) => `event ${eventId}: ${fault}`));
      const last = this.#recorder.begin('—', eventId, { type: 'tables' });
      this.#recorder.end(last, { type: 'tables', content: toContent(rows) });
      const whole = [...history, last];
      const checked = scenario.kind === 'split brain' ? changesOnly(whole) : whole;
      const verdict = check(checked);
      checkSteps += verdict.steps;
      if (verdict.type === 'undecided') undecided++;
      if (verdict.type === 'violation') violations.push(explainViolation(eventId, checked));
    }
    return { scenario, violations, undecided, checkSteps };
  }

  counts() {
    const outcomes = new Map<string, number>();
    const answered = this.#recorder.operations.filter(({ request }) => request.type !== 'tables');
    for (const { outcome } of answered) {
      const name = outcome.type === 'refused' ? outcome.reason : outcome.type;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    }
    const lines = this.#world.logs.flat();
    return {
      operations: answered.length,
      unknown: outcomes.get('unknown') ?? 0,
      crashes: this.#crashes,
      interruptions: this.#interruptions,
      fencesLost: lines.filter((line) => line.includes('"fence lost"')).length,
      faults: this.#world.proxy.counts,
      outcomes,
    };
  }

  /** Creates an event, however often it takes: without it there is nothing to see. */
  async #create(
    client: string,
    eventId: string,
    request: Extract<Request, { type: 'create' }>,
    deadline: number,
  ): Promise<void> {
    for (let attempt = 0; attempt < CREATE_MAX_ATTEMPTS; attempt++) {
      const operation = await this.#ask(client, eventId, request);
      if (operation?.outcome.type === 'created' || operation?.outcome.type === 'refused') return;
      if (performance.now() > deadline) return;
      await sleep(20);
    }
  }

  /** One client: asks, waits for the answer, pauses, and asks again. */
  async #behave(client: string, deadline: number): Promise<void> {
    const { seed, operationsPerClient, events, userIds, weights, pauseMs } = this.#scenario;
    const random = new Random(seed, client);
    for (let i = 0; i < operationsPerClient && performance.now() < deadline; i++) {
      const { eventId } = random.pick(events);
      const type = random.weighted(weights);
      // Mostly somebody who is thought to have a seat: otherwise little would ever change.
      const seated = [...(this.#seated.get(eventId) ?? [])];
      const knows = type === 'unregister' && seated.length > 0 && random.chance(0.7);
      const userId = random.pick(knows ? seated : userIds);
      this.#disrupt();
      await this.#ask(client, eventId, type === 'read' ? { type } : { type, userId });
      if (pauseMs > 0) await sleep(random.between(0, pauseMs));
    }
  }

  /** Asks a worker, and writes down what it answers. Null when nothing can have happened. */
  async #ask(
    name: string,
    eventId: string,
    request: Exclude<Request, { type: 'tables' }>,
  ): Promise<Operation | null> {
    const up = this.#world.workers.filter((worker) => worker !== null);
    if (up.length === 0) await this.#disruption;
    const worker = up.length > 0 ? this.#random.pick(up) : this.#world.workers[0];
    if (!worker) return null;
    const operation = this.#recorder.begin(name, eventId, request);
    try {
      const outcome = toOutcome(await send(this.#client, worker.port, eventId, request));
      if (outcome) this.#recorder.end(operation, outcome);
      if (outcome) this.#guess(operation);
      else this.#recorder.cancel(operation);
      return outcome ? operation : null;
    } catch (error) {
      if (error instanceof UnreachedError) {
        this.#recorder.cancel(operation);
        return null;
      }
      const why = (error as Error).message;
      this.#recorder.end(operation, { type: 'unknown', why });
      if (error instanceof UnexpectedAnswerError) {
        this.#violations.push(`an answer that is never given: ${request.type}: ${why}`);
      }
      return operation;
    }
  }

  /** Who seems to have a seat, by what clients were told: a guess, since answers cross. */
  #guess({ eventId, request, outcome }: Operation): void {
    const seated = this.#seated.get(eventId) ?? new Set();
    this.#seated.set(eventId, seated);
    if (request.type === 'register' && outcome.type === 'registered') seated.add(request.userId);
    if (request.type === 'unregister') seated.delete(request.userId);
    if (outcome.type === 'unregistered' && outcome.promoted) seated.add(outcome.promoted.userId);
  }

  /** Kills or interrupts what the scenario says when it is time. */
  #disrupt(): void {
    const begun = ++this.#begun;
    const due = this.#scenario.disruptions.filter((moment) => moment === begun).length;
    for (let i = 0; i < due; i++) {
      const delayMs = this.#random.between(0, 15);
      this.#disruption = this.#disruption.then(async () => {
        await sleep(delayMs);
        await this.#strike();
      });
    }
  }

  async #strike(): Promise<void> {
    const { kind, downMs, events } = this.#scenario;
    switch (kind) {
      case 'worker crash':
        await this.#world.killWorker(0);
        await sleep(downMs);
        await this.#world.startWorker(0);
        this.#crashes++;
        return;
      case 'database crash':
        await this.#world.crashDatabase(downMs);
        this.#crashes++;
        return;
      case 'interruption': {
        const { eventId } = this.#random.pick(events);
        const way = this.#random.pick(['interrupt', 'evict']);
        const port = this.#world.workers[0]?.port ?? 0;
        const { body } = await this.#client.call(port, 'GET', `/prove/${way}?eventId=${eventId}`);
        if (way === 'interrupt' || body.text === 'done') this.#interruptions++;
        return;
      }
      case 'faults':
      case 'split brain':
        return;
    }
  }
}
