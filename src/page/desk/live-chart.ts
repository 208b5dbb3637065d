/** The chart of an event, which follows what happens to it. */
import { clock } from '../api.ts';
import { find, h } from '../dom.ts';
import { type CapacityView, type EventView, zoneOf } from '../wire.ts';
import { locale } from './ask.ts';
import { chart } from './chart.ts';
import { type Point, toPoints } from './history.ts';
import type { LogReader } from './log.ts';
import { throttle } from './throttle.ts';

/** The numbers of an event; `version` where the entry of the log is known that they come from. */
export type Seen = CapacityView & { version?: number | null };

/** How often the chart is drawn anew at most. */
const PAUSE_MS = 2_000;

/**
 * Draws the chart, and draws it anew after changes.
 *
 * @param width tells how wide it may be, in pixels
 * @returns its element; `follow` is told the numbers of now
 */
export function liveChart(
  event: EventView,
  { log, width }: { log: LogReader; width: () => number },
): { element: HTMLElement; follow(seen: Seen): void; end(): void } {
  const element = h('div', { id: 'chart' });
  let points: Point[] | null = null;
  let now: Seen | null = null;
  let drawn = '';

  function draw(): void {
    if (!points) return;
    const looks = { timeZone: zoneOf(event), locale, nowMs: clock.now(), width: width() };
    const next = chart(points, looks);
    const shown = element.firstElementChild;
    if (shown?.localName !== 'figure' || next.localName !== 'figure') {
      element.replaceChildren(next);
      return;
    }
    // The figure stays, so that its table stays open, and the focus where it is.
    for (const part of ['svg', 'table']) find(part, shown).replaceWith(find(part, next));
  }

  const reading = throttle(async () => {
    if (!now) return;
    const { registeredCount: registered, waitlistCount: waiting, version = null } = now;
    const sign = `${registered} ${waiting} ${version}`;
    if (sign === drawn) return;
    const entries = await log.read(true);
    if (!entries) return;
    drawn = sign;
    // The log may be ahead of the numbers, from which the points are counted back.
    const known = entries.filter((entry) => version === null || entry.version <= version);
    points = toPoints(known, { registered, waiting });
    draw();
  }, PAUSE_MS);
  addEventListener('resize', draw);
  return {
    element,
    follow(seen) {
      now = seen;
      reading.ask();
    },
    end() {
      reading.end();
      removeEventListener('resize', draw);
    },
  };
}
