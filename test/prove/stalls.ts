/** How often it is looked whether this process runs. */
const TICK_MS = 20;

let stalled = 0;
let lastTick = performance.now();

/** What is more than a tick late has been kept from running: by a long search, or by other processes. */
const lateness = (now: number) => Math.max(0, now - lastTick - 2 * TICK_MS);

setInterval(() => {
  const now = performance.now();
  stalled += lateness(now);
  lastTick = now;
}, TICK_MS).unref();

/**
 * For how long, in milliseconds since it started, this process was kept from running. The clients, the
 * proxy and the checker share it, so no answer is taken for late by time that was lost here.
 */
export function stalledMs(): number {
  return stalled + lateness(performance.now());
}
