/** How the numbers of an event came about, out of its log. Plain data in and out. */

/** One change, as the log tells it to organisers. */
export interface Change {
  type: string;
  userId?: string;
  position?: number;
}

/** One entry of the log. */
export interface Entry {
  version: number;
  at: string;
  actor?: string | null;
  changes: Change[];
}

/** The numbers after an entry. */
export interface Point {
  atMs: number;
  registered: number;
  waiting: number;
}

/** What a change does to the seats and to the line. An offered seat is no registration yet. */
const EFFECTS: Record<string, [registered: number, waiting: number]> = {
  'registration.created': [1, 0],
  'registration.cancelled': [-1, 0],
  'registration.promoted': [1, -1],
  'waitlist.joined': [0, 1],
  'waitlist.left': [0, -1],
  'offer.made': [0, -1],
  'offer.accepted': [1, 0],
};

/**
 * The numbers over time. They are counted back from what is now, since the log may not have its beginning any more.
 *
 * @param now the numbers after the last entry
 */
export function toPoints(entries: Entry[], now: { registered: number; waiting: number }): Point[] {
  const points: Point[] = [];
  let { registered, waiting } = now;
  for (const { at, changes } of entries.toReversed()) {
    points.push({ atMs: Date.parse(at), registered, waiting });
    for (const { type } of changes) {
      const [seats, line] = EFFECTS[type] ?? [0, 0];
      registered -= seats;
      waiting -= line;
    }
  }
  return points.reverse();
}

/** At most `most` points, spread over time; the last of each stretch stays, and so do the ends. */
export function thinOut(points: Point[], most: number): Point[] {
  const [first] = points;
  const last = points.at(-1);
  if (points.length <= most || !first || !last) return points;
  const width = (last.atMs - first.atMs) / (most - 1) || 1;
  const byStretch = new Map(
    points.map((point) => [Math.floor((point.atMs - first.atMs) / width), point]),
  );
  return [first, ...byStretch.values()];
}
