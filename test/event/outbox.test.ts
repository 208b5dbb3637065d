import { expect, test } from 'vitest';
import { decide } from '../../src/event/decide.ts';
import { type Pointer, pointerAt, withPointer } from '../../src/event/outbox.ts';
import { EventState } from '../../src/event/state.ts';
import { counterIds, eventOf, still } from '../support/model.ts';

/** An event whose log ends at version 9, and that carries out commands about one endpoint at once. */
function open(pointer: Pointer) {
  const state = new EventState();
  const newId = counterIds();
  const created = decide(state, { type: 'create', event: eventOf(5, true) }, still(newId));
  state.applyCommit(created.changes, 1);
  state.pointers = [pointer];
  state.log = { version: 9, chain: '', from: 1, next: 9, nextAt: '' };
  const carryOut = (command: Parameters<typeof decide>[1]) => {
    const decision = decide(state, command, still(newId));
    if (decision.pointer) state.pointers = withPointer(state.pointers, decision.pointer);
    return state.pointers[0];
  };
  return {
    replay: (after: number) => carryOut({ type: 'replay', endpoint: 'crm', after }),
    move: (from: Pointer, to: Pointer) => carryOut({ type: 'movePointer', from, to }),
  };
}

test('a delivery that began before a replay is not recorded, wherever the replay begins', () => {
  const from = pointerAt('crm', 5);
  for (const after of [2, 5, 7]) {
    const { replay, move } = open(from);
    const replaying = replay(after);
    expect(replaying?.version).toBe(Math.min(after, 5));
    expect(move(from, pointerAt('crm', 9))).toEqual(replaying);
  }
});

test('a delivery that began after a replay is recorded', () => {
  const { replay, move } = open(pointerAt('crm', 5));
  const from = replay(5);
  if (!from) throw new Error('no pointer');
  const to = { ...from, version: 9 };
  expect(move(from, to)).toEqual(to);
  expect(replay(9)).not.toEqual(to);
});
