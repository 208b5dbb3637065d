import { h, svg } from '../dom.ts';
import { desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { type Point, thinOut } from './history.ts';
import { table } from './table.ts';

const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 10;
const MOST_POINTS = 400;
const MOST_ROWS = 30;

/** A round number that is at least this. */
function ceiling(n: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, n)));
  return Math.max(4, [1, 2, 4, 5, 10].map((step) => step * power).find((each) => each >= n) ?? n);
}

/**
 * Registrations and line over time: two lines of steps, and the same as a table.
 *
 * @param width of the drawing in pixels, so that its text has the size of other text
 */
export function chart(
  all: Point[],
  {
    timeZone,
    locale,
    nowMs,
    width,
  }: { timeZone: string; locale: string; nowMs: number; width: number },
): HTMLElement {
  const points = thinOut(all, MOST_POINTS);
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return h('p', {}, text.noLog);
  const endMs = Math.max(nowMs, last.atMs);
  const span = Math.max(1, endMs - first.atMs);
  const top = ceiling(
    Math.max(...points.map(({ registered, waiting }) => Math.max(registered, waiting))),
  );
  const x = (ms: number) => LEFT + ((ms - first.atMs) / span) * (width - LEFT - 8);
  const y = (n: number) => TOP + (1 - n / top) * (HEIGHT - BOTTOM - TOP);
  const steps = (numberOf: (point: Point) => number) =>
    points
      .map(
        (point, i) =>
          `${i === 0 ? 'M' : 'H'}${x(point.atMs).toFixed(1)}${i === 0 ? ' ' : 'V'}${y(numberOf(point)).toFixed(1)}`,
      )
      .join('')
      .concat(`H${width - 8}`);
  const at = (ms: number) => shortTime(new Date(ms).toISOString(), locale, timeZone);
  const marks = [0, top / 2, top].flatMap((n) => [
    svg('line', { x1: LEFT, x2: width - 8, y1: y(n), y2: y(n), 'data-grid': true }),
    svg('text', { x: LEFT - 8, y: y(n) + 4, 'text-anchor': 'end' }, n.toLocaleString(locale)),
  ]);
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': text.chart },
    ...marks,
    svg('path', { d: steps(({ waiting }) => waiting), 'data-line': 'waiting' }),
    svg('path', { d: steps(({ registered }) => registered), 'data-line': 'registered' }),
    svg('text', { x: LEFT, y: HEIGHT - 4 }, at(first.atMs)),
    svg('text', { x: width - 8, y: HEIGHT - 4, 'text-anchor': 'end' }, at(endMs)),
  );
  const rows = thinOut(all, MOST_ROWS).map(({ atMs, registered, waiting }) => [
    at(atMs),
    registered.toLocaleString(locale),
    waiting.toLocaleString(locale),
  ]);
  return h(
    'figure',
    {},
    h(
      'figcaption',
      {},
      h('span', { 'data-line': 'registered' }, text.registered),
      h('span', { 'data-line': 'waiting' }, text.line),
    ),
    drawing,
    h(
      'details',
      {},
      h('summary', {}, text.chartTable),
      table(text.chart, [text.at, text.registered, text.line], rows, [1, 2]),
    ),
  );
}
