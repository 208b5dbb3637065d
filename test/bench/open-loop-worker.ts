import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { userId } from './database.ts';
import { openClient } from './http-client.ts';
import { capacityShot, nearShot, registerShot, type Shot } from './load.ts';
import type { OpenLoad, OpenResult } from './open-loop.ts';
import { percentile } from './stats.ts';

const { url, kind, eventId, perSecond, seconds, connections } = workerData as OpenLoad;
const client = openClient(url, connections);
const SHOTS: Record<OpenLoad['kind'], (index: number) => Shot> = {
  read: () => capacityShot(eventId),
  near: () => nearShot(eventId),
  register: (index) => registerShot(userId(index), eventId),
};
const all: number[] = [];
const good: number[] = [];
const statuses: Record<number, number> = {};

async function shoot(index: number, due: number): Promise<void> {
  const { method, path, body, headers } = SHOTS[kind](index);
  let status = 0;
  try {
    ({ status } = await client.send(method, path, body, headers));
  } catch {
    // Counted as status 0.
  }
  // From the time at which it was due: a late send counts as waiting.
  const ms = performance.now() - due;
  statuses[status] = (statuses[status] ?? 0) + 1;
  all.push(ms);
  if (status === 200 || status === 201) good.push(ms);
}

const amount = Math.round(perSecond * seconds);
const started = performance.now();
const shots: Promise<void>[] = [];
for (let i = 0; i < amount; ) {
  const now = performance.now();
  while (i < amount && started + (i * 1_000) / perSecond <= now) {
    shots.push(shoot(i, started + (i * 1_000) / perSecond));
    i++;
  }
  await sleep(1);
}
await Promise.all(shots);
const took = (performance.now() - started) / 1_000;
client.close();
const result: OpenResult = {
  requests: all.length,
  seconds: took,
  perSecond: good.length / took,
  p50: percentile(all, 0.5),
  p99: percentile(all, 0.99),
  statuses,
  good: good.length,
  goodP50: percentile(good, 0.5),
  goodP99: percentile(good, 0.99),
};
parentPort?.postMessage(result);
