import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/event/command.ts';
import {
  IN_THE_LOG,
  type KeyRecord,
  replay,
  toKept,
  toKeyRecord,
  toStored,
} from '../../src/event/idempotency.ts';
import type { Registration } from '../../src/event/model.ts';

const KEY = { id: 'key#1', fingerprint: 'f' };

const seat = (userId: string, overrideReason?: string): Registration => ({
  ...{ registrationId: `seat of ${userId.length}`, userId, eventId: 'e', status: 'ACTIVE' },
  createdAt: '2026-11-26T12:00:00.000Z',
  ...(overrideReason === undefined ? {} : { overrideReason }),
});

const recordOf = (outcome: Outcome, command: Command, receipt: string | null): KeyRecord => ({
  ...toKeyRecord(KEY, toKept(outcome, command), 0),
  receipt,
});

/** A record as it comes back from the tables. */
const storedAs = (record: KeyRecord): KeyRecord => ({ ...record, outcome: toStored(record) });

describe('an outcome that is kept', () => {
  test('has neither its user nor the reason of an override, and is the same, byte for byte, when it is repeated', () => {
    const override = { reason: 'ada speaks' };
    const command: Command = { type: 'register', userId: 'ada', override };
    const outcome: Outcome = { type: 'registered', registration: seat('ada', override.reason) };
    const stored = storedAs(recordOf(outcome, command, '7.c'));
    expect(stored.outcome).not.toContain('ada');
    const { isReplay, receipt, ...again } = replay(stored, KEY, command) as Outcome & {
      isReplay: true;
      receipt: string;
    };
    expect([isReplay, receipt]).toEqual([true, '7.c']);
    expect(JSON.stringify(again)).toBe(JSON.stringify(outcome));
  });

  const leave: Command = { type: 'unregister', userId: 'ada' };
  const left: Outcome = {
    ...{ type: 'unregistered', registration: seat('ada', 'ada speaks') },
    ...{ promoted: seat('bob'), offered: null },
  };

  test('does not name others where the log does', () => {
    const stored = storedAs(recordOf(left, leave, '7.c'));
    expect(stored.outcome).not.toMatch(/ada|bob/);
    expect(replay(stored, KEY, leave)).toMatchObject({
      ...{ type: 'unregistered', registration: { userId: 'ada' }, offered: null },
      promoted: { ...seat('bob'), userId: IN_THE_LOG },
    });
  });

  test('names others where there is no log', () => {
    const stored = storedAs(recordOf(left, leave, null));
    expect(stored.outcome).not.toContain('ada');
    expect(replay(stored, KEY, leave)).toMatchObject({ promoted: seat('bob') });
  });

  test('as an earlier release kept it is repeated as it is', () => {
    const old = { ...toKeyRecord(KEY, JSON.stringify(left), 0), receipt: '7.c' };
    expect(replay(old, KEY, leave)).toEqual({ ...left, isReplay: true, receipt: '7.c' });
  });
});
