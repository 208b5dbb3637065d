import { parentPort } from 'node:worker_threads';
import { check } from './checker.ts';
import type { Decided, ToDecide } from './decide.ts';
import { explainViolation } from './report.ts';

parentPort?.on('message', ({ id, eventId, operations }: ToDecide) => {
  const { type, steps } = check(operations);
  const violation = type === 'violation' ? explainViolation(eventId, operations) : null;
  parentPort?.postMessage({ id, type, steps, violation } satisfies Decided);
});
