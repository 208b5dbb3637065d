import type { Build } from './build.ts';
import { decide } from './decide.ts';
import { Endpoints } from './endpoints.ts';
import type { Fault } from './faults.ts';
import { byClocks, changesOnly } from './history.ts';
import { idleSeats } from './idleness.ts';
import { offersMade } from './known-offers.ts';
import { staleAbsences } from './liveness.ts';
import { checkLog } from './log-check.ts';
import { checkMessages, strayMessages } from './messages.ts';
import { carriedOut } from './receipts.ts';
import { brief } from './report.ts';
import { hasTwoOwners, type Scenario } from './scenario.ts';
import { Session } from './session.ts';
import { checkRows, rowsOf, strayRows, toContent } from './tables.ts';
import { checkWatchings } from './watch-check.ts';
import { World } from './world.ts';

/** The result of a run: its figures, and the broken promises. */
export interface RunResult {
  scenario: Scenario;
  /** Each violation as a readable text. */
  violations: string[];
  /** Events whose history could not be decided within the bounds of the search. */
  undecided: number;
  operations: number;
  unknown: number;
  crashes: number;
  interruptions: number;
  fencesLost: number;
  /** Requests that were repeated under their key, and repetitions that were answered. */
  retries: number;
  replays: number;
  /** Keys that were sent with a different request. */
  misuses: number;
  /** The slowest answer, as a share of the time that it may take. */
  slowest: number;
  /** Persons who were erased. */
  erasures: number;
  /** Hourly looks that found something overdue. */
  wakings: number;
  /** Loads that finished an interrupted raise. */
  resumptions: number;
  /** Entries of logs, pages that were read of them, and receipts that were found in them. */
  logEntries: number;
  logPages: number;
  receipts: number;
  /** Attempts to send a message that came to an endpoint, those of them that were taken, and replays. */
  attempts: number;
  taken: number;
  webhookReplays: number;
  /** Sockets that told something, and what they told. */
  sockets: number;
  pushes: number;
  /** Counts of what endpoints did instead of taking a message. */
  refusals: Map<string, number>;
  checkSteps: number;
  durationMs: number;
  faults: Map<Fault, number>;
  /** Counts of outcomes, by type. */
  outcomes: Map<string, number>;
}

/** Runs a scenario against a build, and checks the results. */
export async function run(scenario: Scenario, build: Build): Promise<RunResult> {
  const startedAt = performance.now();
  const endpoints = await Endpoints.open(scenario.seed, scenario.hasWebhooks);
  const world = await World.open({
    build,
    weather: scenario.weather,
    seed: scenario.seed,
    workers: hasTwoOwners(scenario) ? 2 : 1,
    isInterruptible: scenario.kind === 'interruption',
    isDurable: scenario.kind === 'database crash',
    userIds: scenario.userIds,
    ...(scenario.hasWebhooks ? { webhooks: endpoints.setting } : {}),
    keepsAlarms: true,
    alarms: scenario.alarms,
    clockMaxMs: scenario.clockMaxMs,
  }).catch((error: unknown) => {
    endpoints.close();
    throw error;
  });
  try {
    const session = new Session(scenario, world, endpoints);
    await session.play();
    const verdict = await judge(session, world, endpoints);
    return {
      scenario,
      ...verdict,
      ...count(session, world, endpoints),
      durationMs: performance.now() - startedAt,
    };
  } finally {
    await world.close();
    endpoints.close();
  }
}

/** Reads the tables, and checks everything against the promises. */
async function judge(session: Session, world: World, endpoints: Endpoints) {
  const { scenario, recorder } = session;
  const tables = await world.finalTables();
  const eventIds = new Set(session.eventIds);
  const violations = [
    ...session.violations,
    ...strayRows(tables, eventIds),
    ...strayMessages(endpoints, eventIds),
    ...session.persons.check(tables),
  ];
  for (const lines of world.logs) {
    const defects = lines.filter((line) => /"problem":"defect"|uncaught exception/i.test(line));
    violations.push(...defects.map((line) => `a defect in the worker's log: ${line}`));
    // Each endpoint takes each message before the service would give it up.
    const lost = lines.filter((line) => /"webhook (given up|ended|messages expired)"/.test(line));
    violations.push(...lost.map((line) => `a message that was given up: ${line}`));
  }
  let undecided = 0;
  let checkSteps = 0;
  const histories = recorder.byEvent();
  for (const eventId of eventIds) {
    const rows = rowsOf(tables, eventId);
    const asked = histories.get(eventId) ?? [];
    const history = byClocks(asked, world.clocks);
    const clocksApartMs = world.clocks.until - world.clocks.from;
    const faults = [
      ...checkRows(rows, history),
      ...checkLog(rows, history, session.logs.of(eventId), hasTwoOwners(scenario), clocksApartMs),
      ...checkWatchings(session.watchers.of(eventId), rows.log, hasTwoOwners(scenario)),
      ...checkMessages(eventId, rows.log, endpoints.all, session.webhooks.of(eventId)),
      ...idleSeats(rows.log, session.webhooks.quiets),
      ...staleAbsences(asked, session.conditions),
    ];
    violations.push(...faults.map((fault) => `event ${brief(eventId)}: ${fault}`));
    const last = recorder.begin('—', eventId, { type: 'tables' });
    recorder.end(last, {
      type: 'tables',
      content: toContent(rows),
      offersMade: offersMade(rows.log),
    });
    const whole = [...history, ...byClocks([last], world.clocks)];
    const done = carriedOut(whole, rows.log);
    const checked = hasTwoOwners(scenario) ? changesOnly(done) : done;
    const { type, steps, violation } = await decide(eventId, checked);
    checkSteps += steps;
    if (type === 'undecided') undecided++;
    if (violation !== null) violations.push(violation);
  }
  return { violations, undecided, checkSteps, logEntries: tables.log.length };
}

function count(session: Session, world: World, endpoints: Endpoints) {
  const outcomes = new Map<string, number>();
  const answered = session.recorder.operations.filter(
    ({ request }) => request.type !== 'tables' && request.type !== 'giveUp',
  );
  for (const { outcome } of answered) {
    const name = outcome.type === 'refused' ? outcome.reason : outcome.type;
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
  }
  const lines = world.logs.flat();
  const linesWith = (text: string) => lines.filter((line) => line.includes(text)).length;
  return {
    operations: answered.length,
    unknown: outcomes.get('unknown') ?? 0,
    crashes: session.crashes,
    interruptions: session.interruptions,
    fencesLost: linesWith('"fence lost"'),
    wakings: linesWith('"overdue events woken"'),
    resumptions: linesWith('"promotions resumed"'),
    erasures: session.persons.erasures,
    retries: session.asker.retries,
    replays: session.asker.replays,
    misuses: session.asker.misuses,
    logPages: session.logs.pagesRead,
    receipts: answered.filter(({ receipt }) => receipt !== null).length,
    slowest: session.asker.slowest,
    attempts: endpoints.arrivals.length,
    taken: endpoints.arrivals.filter(({ takenAt }) => takenAt !== null).length,
    webhookReplays: session.webhooks.replays,
    ...session.watchers.figures,
    refusals: endpoints.counts,
    faults: world.proxy.counts,
    outcomes,
  };
}
