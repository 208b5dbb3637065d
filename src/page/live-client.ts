/** Tells how full an event is, and where somebody stands, as it changes. Asks every few seconds. */
import { call, clock, eventPath, withQuery } from './api.ts';
import type { CapacityView, PlaceView, Problem } from './wire.ts';

/** How full an event is. */
export interface Occupancy extends CapacityView {
  now: string;
  version: number | null;
  revision: number | null;
}

export type LiveState = 'connecting' | 'live' | 'polling' | 'refused' | 'closed';

const PERIOD_MS = 5_000;

/** Watches an event. */
export function watch(options: {
  url: string;
  eventId: string;
  userId?: string | undefined;
  token?: () => string | undefined;
  onOccupancy: (occupancy: Occupancy) => void;
  onPlace?: (place: PlaceView) => void;
  onState?: (state: LiveState) => void;
  onProblem?: (problem: Problem) => void;
}): { refresh(): void; close(): void } {
  const { url, eventId, userId, token, onOccupancy, onPlace, onState, onProblem } = options;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = '';
  let turn = 0;
  async function ask(): Promise<void> {
    clearTimeout(timer);
    const mine = ++turn;
    try {
      const sent = { token: token?.() };
      const place = withQuery('/registration/registrations', { userId: userId ?? '', eventId });
      const [capacity, standing] = await Promise.all([
        call<CapacityView>('GET', url + eventPath(eventId, '/capacity'), sent),
        userId === undefined ? null : call<PlaceView>('GET', url + place, sent),
      ]);
      if (isClosed || mine !== turn) return;
      const problem = capacity.problem ?? standing?.problem;
      if (problem) {
        onState?.([401, 403, 404].includes(problem.status) ? 'refused' : 'connecting');
        onProblem?.(problem);
      } else {
        onState?.('polling');
        const now = new Date(clock.now()).toISOString();
        onOccupancy({ ...capacity.body, now, version: null, revision: null });
        if (standing && JSON.stringify(standing.body) !== told) {
          told = JSON.stringify(standing.body);
          onPlace?.(standing.body);
        }
      }
    } catch {
      if (!isClosed && mine === turn) onState?.('connecting');
    }
    if (!isClosed && mine === turn) timer = setTimeout(ask, PERIOD_MS * (0.9 + Math.random() / 5));
  }
  ask();
  return {
    refresh: () => void (isClosed || ask()),
    close() {
      isClosed = true;
      clearTimeout(timer);
      onState?.('closed');
    },
  };
}
