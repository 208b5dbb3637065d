import type { Random } from './random.ts';

/** How bad the alarms of a history are. */
export interface BadAlarms {
  /** How much later than asked for each goes off, in milliseconds. */
  lateMs: number;
  /** Share of those that never go off, and of those that go off twice. */
  lost: number;
  twice: number;
}

/** How long something is due before the hourly look takes the alarm to be lost, as `build.ts` sets it. */
export const OVERDUE_MS = 300;
/** How often the hourly look comes, in histories whose alarms are lost. */
export const LOOK_EVERY_MS = 1_000;

const LATE_MAX_MS = 900;

/** Draws the alarms of a history; null for good ones, which half of the histories have. */
export function drawAlarms(random: Random): BadAlarms | null {
  const lateMs = Math.round(random.between(0, LATE_MAX_MS));
  const good = { lateMs: 0, lost: 0, twice: 0 };
  switch (random.pick(['good', 'good', 'good', 'late', 'lost', 'twice'] as const)) {
    case 'good':
      return null;
    case 'late':
      return { ...good, lateMs };
    case 'lost':
      return { lateMs: random.pick([0, lateMs]), lost: random.pick([0.3, 1]), twice: 0 };
    case 'twice':
      return { lateMs: random.pick([0, lateMs]), lost: 0, twice: 0.7 };
  }
}

/** How much later than it is due something may be done because of the alarms, in milliseconds. */
export function alarmLatenessMs(alarms: BadAlarms | null): number {
  if (!alarms) return 0;
  return alarms.lateMs + (alarms.lost > 0 ? OVERDUE_MS + LOOK_EVERY_MS : 0);
}
