import type { Build } from './build.ts';
import { check } from './checker.ts';
import type { Fault } from './faults.ts';
import { changesOnly } from './history.ts';
import { staleAbsences } from './liveness.ts';
import { brief, explainViolation } from './report.ts';
import { hasTwoOwners, type Scenario } from './scenario.ts';
import { Session } from './session.ts';
import { checkRows, rowsOf, strayRows, toContent } from './tables.ts';
import { World } from './world.ts';

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
  /** Requests that were sent again under their key, and answers that were had again. */
  retries: number;
  replays: number;
  /** Keys that were sent with another request. */
  misuses: number;
  /** The slowest answer, as a share of the time that it was allowed. */
  slowest: number;
  /** Persons who were erased. */
  erasures: number;
  /** Loads that finished what an interrupted raise had begun. */
  resumptions: number;
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
    workers: hasTwoOwners(scenario) ? 2 : 1,
    isInterruptible: scenario.kind === 'interruption',
    isDurable: scenario.kind === 'database crash',
    userIds: scenario.userIds,
  });
  try {
    const session = new Session(scenario, world);
    await session.play();
    const verdict = await judge(session, world);
    return {
      scenario,
      ...verdict,
      ...count(session, world),
      durationMs: performance.now() - startedAt,
    };
  } finally {
    await world.close();
  }
}

/** Reads the tables and holds everything against the promises. */
async function judge(session: Session, world: World) {
  const { scenario, recorder } = session;
  const tables = await world.finalTables();
  const eventIds = new Set(session.eventIds);
  const violations = [
    ...session.violations,
    ...strayRows(tables, eventIds),
    ...session.persons.check(tables),
  ];
  for (const lines of world.logs) {
    const defects = lines.filter((line) => /"problem":"defect"|uncaught exception/i.test(line));
    violations.push(...defects.map((line) => `a defect in the worker's log: ${line}`));
  }
  let undecided = 0;
  let checkSteps = 0;
  const histories = recorder.byEvent();
  for (const eventId of eventIds) {
    const rows = rowsOf(tables, eventId);
    const history = histories.get(eventId) ?? [];
    const faults = [...checkRows(rows, history), ...staleAbsences(history, session.circumstances)];
    violations.push(...faults.map((fault) => `event ${brief(eventId)}: ${fault}`));
    const last = recorder.begin('—', eventId, { type: 'tables' });
    recorder.end(last, { type: 'tables', content: toContent(rows) });
    const whole = [...history, last];
    const checked = hasTwoOwners(scenario) ? changesOnly(whole) : whole;
    const verdict = check(checked);
    checkSteps += verdict.steps;
    if (verdict.type === 'undecided') undecided++;
    if (verdict.type === 'violation') violations.push(explainViolation(eventId, checked));
  }
  return { violations, undecided, checkSteps };
}

function count(session: Session, world: World) {
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
    resumptions: linesWith('"promotions resumed"'),
    erasures: session.persons.erasures,
    retries: session.asker.retries,
    replays: session.asker.replays,
    misuses: session.asker.misuses,
    slowest: session.asker.slowest,
    faults: world.proxy.counts,
    outcomes,
  };
}
