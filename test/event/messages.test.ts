import { describe, expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import type { LogEntry } from '../../src/event/log.ts';
import { isMessageType, isWanted, messageId, messagesOf } from '../../src/event/messages.ts';

const at = '2026-11-26T12:00:00.000Z';
const ENTRY: LogEntry = {
  version: 7,
  at,
  chain: 'c'.repeat(64),
  changes: [
    { type: 'registration.cancelled', registrationId: 'r1', userId: 'ada' },
    {
      type: 'registration.promoted',
      registrationId: 'r2',
      entryId: 'e1',
      position: 3,
      userId: 'bob',
    },
  ],
  actors: ['key:crm', null],
};

describe('the messages of an entry', () => {
  test('are one for each change, with what the log has of it, and without who did it', () => {
    expect(messagesOf('recital', ENTRY)).toEqual([
      {
        ...{ version: 7, index: 0, type: 'registration.cancelled', timestamp: at },
        data: { eventId: 'recital', version: 7, index: 0, registrationId: 'r1', userId: 'ada' },
      },
      {
        ...{ version: 7, index: 1, type: 'registration.promoted', timestamp: at },
        data: {
          ...{ eventId: 'recital', version: 7, index: 1, registrationId: 'r2', entryId: 'e1' },
          ...{ position: 3, userId: 'bob' },
        },
      },
    ]);
    expect(JSON.stringify(messagesOf('recital', ENTRY))).not.toContain('key:crm');
  });

  test('of an erasure are one more, behind all changes', () => {
    const [left, promoted] = ENTRY.changes as [LogEntry['changes'][0], LogEntry['changes'][0]];
    const erased = { ...left, erased: true } as LogEntry['changes'][0];
    const waited = {
      ...{ type: 'waitlist.left' as const, entryId: 'e2', position: 4 },
      ...{ userId: 'cy', erased: true as const },
    };
    const told = messagesOf('recital', { ...ENTRY, changes: [erased, promoted, waited] });
    expect(told.map(({ type }) => type)).toEqual([
      ...['registration.cancelled', 'registration.promoted', 'waitlist.left'],
      ...['user.erased', 'user.erased'],
    ]);
    expect(told.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(told[0]?.data).toMatchObject({ userId: 'ada', erased: true });
    expect(told.slice(3)).toEqual([
      {
        ...{ version: 7, index: 3, type: 'user.erased', timestamp: at },
        data: { eventId: 'recital', version: 7, index: 3, userId: 'ada' },
      },
      {
        ...{ version: 7, index: 4, type: 'user.erased', timestamp: at },
        data: { eventId: 'recital', version: 7, index: 4, userId: 'cy' },
      },
    ]);
  });

  test('of the event itself have its settings', () => {
    const settings = {
      ...{ capacity: 1, hasWaitlist: true, waitlistCapacity: null, status: 'OPEN' as const },
      ...{ registrationOpensAt: null, registrationClosesAt: null },
      ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
    };
    const [message] = messagesOf('recital', {
      ...ENTRY,
      changes: [{ type: 'event.created', settings }],
    });
    expect(message?.data).toEqual({ eventId: 'recital', version: 7, index: 0, settings });
  });
});

describe('the id of a message', () => {
  const idOf = (eventId: string, version: number, index: number, chain = 'c') =>
    messageId(eventId, { version, chain }, index, hexDigestOf);

  test('is the same each time, and fits a header', async () => {
    const id = await idOf('Ünlaut, "quoted" # 7', 7, 0);
    expect(id).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(await idOf('Ünlaut, "quoted" # 7', 7, 0)).toBe(id);
  });

  test('is of no other message, nor of one in a history that went another way', async () => {
    const ids = await Promise.all([
      idOf('e', 1, 11),
      idOf('e', 11, 1),
      idOf('e', 1, 1),
      idOf('e1', 1, 1),
      idOf('e', 1, 1, 'd'),
    ]);
    expect(new Set(ids).size).toBe(5);
  });
});

test('a filter names one type, or all that begin alike', () => {
  expect(isWanted('waitlist.left', null)).toBe(true);
  expect(isWanted('waitlist.left', ['event.*', 'waitlist.left'])).toBe(true);
  expect(isWanted('waitlist.left', ['waitlist.*'])).toBe(true);
  expect(isWanted('waitlist.left', ['waitlist.joined', 'event.*'])).toBe(false);
  expect(isWanted('user.erased', ['user.*'])).toBe(true);
  for (const filter of ['user.erased', 'user.*']) expect(isMessageType(filter)).toBe(true);
  expect(isMessageType('user.created')).toBe(false);
});
