/** The interval of the timer that notices stalls. */
const TICK_MS = 20;

let stalled = 0;
let lastTick = performance.now();

/** How long this process was kept from running since the last tick: by a long search, or by other processes. */
const stallOf = (now: number) => Math.max(0, now - lastTick - 2 * TICK_MS);

setInterval(() => {
  const now = performance.now();
  stalled += stallOf(now);
  lastTick = now;
}, TICK_MS).unref();

/**
 * How long this process was kept from running, in milliseconds since its start. Clients, proxy and checker share the
 * process, so this time must not count as lateness of an answer.
 */
export function stalledMs(): number {
  return stalled + stallOf(performance.now());
}
