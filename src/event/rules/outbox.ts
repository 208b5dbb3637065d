import type { Command } from '../command.ts';
import { type Pointer, pointerAt } from '../outbox.ts';
import type { EventView } from '../state.ts';
import type { Circumstances, Decision } from './decision.ts';

const isSame = (a: Pointer | undefined, b: Pointer) => JSON.stringify(a) === JSON.stringify(b);

/** Does what is due. A commit finds out anew when something is, also where nothing was due after all. */
export function wake({ dueAt }: EventView, { now }: Circumstances): Decision {
  const isDue = dueAt !== null && dueAt <= Date.parse(now);
  return { changes: [], outcome: { type: 'woken' }, mustCommit: isDue };
}

/** Records how far a delivery came, unless the endpoint was moved meanwhile: by a replay, or by another object. */
export function movePointer(
  { pointers }: EventView,
  { from, to }: Extract<Command, { type: 'movePointer' }>,
): Decision {
  const current = pointers.find(({ name }) => name === from.name);
  const outcome = { type: 'pointerMoved' as const };
  const isStale = current !== undefined && !isSame(current, from);
  if (isStale || isSame(current, to)) return { changes: [], outcome };
  return { changes: [], outcome, pointer: to };
}

/** Puts an endpoint back to a version. Open messages from before that version stay open. */
export function replay(
  { pointers, log }: EventView,
  { endpoint, after }: Extract<Command, { type: 'replay' }>,
): Decision {
  const head = log?.version ?? 0;
  const current = pointers.find(({ name }) => name === endpoint) ?? pointerAt(endpoint, head);
  const version = Math.min(after, current.version, head);
  const open = current.open.filter((message) => message.version <= version);
  const replays = (current.replays ?? 0) + 1;
  const pointer = { ...pointerAt(endpoint, version), open, replays };
  return { changes: [], outcome: { type: 'replaying', pointer, head }, pointer };
}
