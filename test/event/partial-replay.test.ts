import { beforeAll, describe, expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import type { Command } from '../../src/event/command.ts';
import { LogCheck } from '../../src/event/log-check.ts';
import { PartialReplay } from '../../src/event/partial-replay.ts';
import type { SeenChange, SeenEntry } from '../../src/event/seen-log.ts';
import { faultOf, LogWriter, rechain, withoutUsers } from '../support/logs.ts';

const id = (n: number) => `11111111-1111-4111-8111-${String(n).padStart(12, '0')}`;
const seat = (n: number, userId: string, more = {}): SeenChange => ({
  ...{ type: 'registration.created', registrationId: id(n), userId, ...more },
});
const join = (n: number, position: number, userId = `u${n}`): SeenChange => ({
  ...{ type: 'waitlist.joined', entryId: id(n), userId, position },
});
const left = (n: number, position: number, userId = `u${n}`): SeenChange => ({
  ...{ type: 'waitlist.left', entryId: id(n), userId, position },
});
const promoted = (n: number, position: number, userId = `u${n}`): SeenChange => ({
  ...{ type: 'registration.promoted', registrationId: id(100 + n), entryId: id(n) },
  ...{ userId, position },
});
const gone = (n: number, userId: string): SeenChange => ({
  ...{ type: 'registration.cancelled', registrationId: id(n), userId },
});

/** A log of an event that is older, with an entry for each change. */
const logOf = (changes: SeenChange[]) =>
  rechain(
    changes.map((change, i) => ({
      ...{ version: 40 + i, at: '2026-01-01T00:00:00.000Z', chain: '', changes: [change] },
    })),
  );

const faultIn = async (...changes: SeenChange[]) => faultOf(await logOf(changes));

describe('a log whose beginning is not there', () => {
  let entries: SeenEntry[] = [];
  const settings = { type: 'event.updated', settings: {} } as Extract<
    SeenChange,
    { settings: object }
  >;

  beforeAll(async () => {
    const writer = await LogWriter.open(2, ['a', 'b', 'c', 'd', 'e']);
    const unregister: Command = { type: 'unregister', userId: 'a' };
    await writer.commit([unregister]);
    await writer.commit([{ type: 'unregister', userId: 'c' }]);
    entries = writer.entries;
    const created = entries[0]?.changes[0];
    if (created?.type !== 'event.created') throw new Error('the first change creates the event');
    settings.settings = created.settings;
  });

  test('is known from one whose event is older', async () => {
    const beginning = async (list: SeenEntry[]) => {
      const check = new LogCheck(hexDigestOf);
      for (const entry of list) await check.add(entry);
      check.end();
      return check.beginning;
    };
    expect(await beginning(entries)).toBe('creation');
    expect(await beginning(entries.slice(3))).toBe('later');
    expect(await beginning(await rechain(entries.slice(3)))).toBe('first entry');
  });

  test('is chained from its second entry on', async () => {
    const rest = entries.slice(3);
    expect(await faultOf(rest)).toBeNull();
    const altered = { ...(rest[1] as SeenEntry), at: '2026-01-01T00:00:00.000Z' };
    expect(await faultOf(rest.with(1, altered))).toMatch(/^Version 5: does not follow/);
    expect(await faultOf(rest.toSpliced(1, 1))).toMatch(/^Version 6: does not follow/);
  });

  test('tells the places that it knows of', async () => {
    const check = new LogCheck(hexDigestOf);
    for (const entry of entries.slice(4)) await check.add(entry);
    const { replay } = check;
    if (!(replay instanceof PartialReplay)) throw new Error('it has no beginning');
    // It knows of the entry of d and of the seat of d, and not of c's entry.
    expect([...replay.places.values()]).toEqual([
      { kind: 'entry', position: 3, userId: 'e' },
      { kind: 'seat', position: null, userId: 'd' },
    ]);
  });

  test('has growing positions, none left out', async () => {
    expect(await faultIn(join(1, 7), join(2, 8))).toBeNull();
    expect(await faultIn(join(1, 7), join(2, 7))).toContain('position 7 was given before');
    expect(await faultIn(join(1, 7), join(2, 6))).toContain('Version 41: waitlist.joined at');
    expect(await faultIn(join(1, 7), join(2, 9))).toContain('the next position is 8');
    expect(await faultIn(promoted(1, 9), join(2, 8))).toContain('position 9 was given before');
    expect(await faultIn(join(1, 7), left(2, 8))).toContain('does not tell that position 8');
  });

  test('promotes in the order of positions, and past nobody', async () => {
    expect(await faultIn(promoted(1, 3), promoted(2, 5))).toBeNull();
    expect(await faultIn(promoted(2, 5), promoted(1, 3))).toBe(
      'Version 41: registration.promoted at position 3: position 5 was promoted before.',
    );
    expect(await faultIn(join(1, 7), join(2, 8), promoted(2, 8))).toContain(
      'position 7 waits longer',
    );
    expect(await faultIn(join(1, 7), promoted(2, 7))).toContain('does not tell that position 7');
    expect(await faultIn(join(1, 7), join(2, 8), promoted(1, 8))).toContain('position 7 waits');
    // Without the settings nobody knows whether the line has ended.
    expect(await faultIn(join(1, 7), seat(9, 'x'))).toBeNull();
    expect(await faultIn(settings, join(1, 7), seat(9, 'x'))).toContain(
      'somebody waits, and is passed',
    );
    expect(await faultIn(join(1, 7), seat(9, 'x', { override: true }))).toBeNull();
  });

  test('gives no id twice, and no user two places', async () => {
    expect(await faultIn(seat(1, 'a'), seat(1, 'b'))).toContain('is given a second time');
    expect(await faultIn(seat(1, 'a'), gone(1, 'a'), seat(1, 'a'))).toContain('a second time');
    expect(await faultIn(seat(1, 'a'), gone(1, 'a'), gone(1, 'a'))).toContain('given up before');
    expect(await faultIn(seat(1, 'a'), seat(2, 'a'))).toContain('user a has a place already');
    expect(await faultIn(seat(1, 'a'), gone(1, 'b'))).toContain('was another one');
    expect(await faultIn(seat(1, 'a'), gone(1, 'a'), seat(2, 'a'))).toBeNull();
  });

  test('keeps to the settings as soon as it has told them', async () => {
    const withSettings = (more: Partial<(typeof settings)['settings']>): SeenChange => ({
      ...settings,
      settings: { ...settings.settings, ...more },
    });
    const cancelled: SeenChange = {
      ...{ type: 'event.cancelled', settings: { ...settings.settings, status: 'CANCELLED' } },
    };
    const full = withSettings({ capacity: 1 });
    expect(await faultIn(full, seat(1, 'a'))).toBeNull();
    expect(await faultIn(full, seat(1, 'a'), seat(2, 'b'))).toContain('the event is full');
    expect(await faultIn(seat(1, 'a'), full, promoted(2, 4))).toContain('the event is full');
    expect(await faultIn(full, seat(1, 'a'), seat(2, 'b', { override: true }))).toBeNull();
    expect(await faultIn(withSettings({ status: 'PAUSED' }), seat(1, 'a'))).toContain('is paused');
    const before = { registrationOpensAt: '2026-02-01T00:00:00.000Z' };
    expect(await faultIn(withSettings(before), join(1, 3))).toContain('is not open yet');
    expect(await faultIn(withSettings({ hasWaitlist: false }), join(1, 3))).toContain(
      'no waitlist',
    );
    expect(await faultIn(cancelled, seat(1, 'a'))).toContain('the event is cancelled');
    expect(await faultIn(cancelled, promoted(1, 4))).toContain('the event is cancelled');
    expect(await faultIn(cancelled, left(1, 4))).toBeNull();
    expect(await faultIn(cancelled, full)).toContain('was cancelled before');
    expect(await faultIn({ ...cancelled, type: 'event.updated' })).toContain('CANCELLED');
    const created: SeenChange = { ...settings, type: 'event.created' };
    expect(await faultIn(full, created)).toContain('the event was there before');
  });

  test('can be checked by whoever may not see users', async () => {
    expect(await faultOf(withoutUsers(entries.slice(2)))).toBeNull();
    const past = await logOf([join(1, 7), join(2, 8), promoted(2, 8)]);
    expect(await faultOf(withoutUsers(past))).toContain('position 7 waits longer');
  });
});
