import { describe, expect, test } from 'vitest';
import type { Arrival, Endpoint, Message } from './endpoints.ts';
import type { LogChange, LogEntry } from './log.ts';
import { checkMessages, messagesFor, strayMessages, wants } from './messages.ts';

const EVENT = 'an-event';
const ALL: Endpoint = { name: 'steady', secrets: [], types: null };

const joined = (userId: string, position: number): LogChange => ({
  ...{ type: 'waitlist.joined', entryId: `entry-${position}`, position, userId },
});

/** Entries of one change each, with a gap between versions. */
const logOf = (count: number): LogEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ version: 1 + 2 * i, at: `2026-11-26T12:00:0${i % 10}.000Z`, chain: '' },
    changes: [joined('ana', i + 1)],
  }));

const arrival = (message: Message, at: number, rest: Partial<Arrival> = {}): Arrival => {
  const id = `msg_${message.data.eventId}_${message.data.version}.${message.data.index}`;
  return { endpoint: 'steady', at, takenAt: at, id, message, fault: null, ...rest };
};

const arrivalsOf = (entries: LogEntry[]) =>
  messagesFor(EVENT, entries, ALL).map((message, i) => arrival(message, i));

const faultsOf = (
  entries: LogEntry[],
  arrivals: Arrival[],
  rest: Partial<Parameters<typeof checkMessages>[3]> = {},
) => checkMessages(EVENT, entries, [ALL], { arrivals, claims: [], replays: [], ...rest });

describe('the messages of an event', () => {
  const entries = logOf(12);
  const arrivals = arrivalsOf(entries);

  test('are right when each came, some of them twice', () => {
    expect(faultsOf(entries, [...arrivals, ...arrivals.slice(3)])).toEqual([]);
  });

  test('are what the filters of the endpoint name', () => {
    const types = ['registration.*', 'waitlist.left'];
    const wanted = (type: string) => wants({ types }, type);
    expect(wanted('registration.promoted')).toBe(true);
    expect(wanted('waitlist.left')).toBe(true);
    expect(wanted('waitlist.joined')).toBe(false);
    expect(wants({ types: null }, 'waitlist.joined')).toBe(true);
    expect(messagesFor(EVENT, entries, { types })).toEqual([]);
  });

  test('of an erasure are one more, behind all changes of its entry', () => {
    const left: LogChange = {
      type: 'waitlist.left',
      entryId: 'entry-1',
      position: 1,
      userId: 'ana',
    };
    const changes: LogChange[] = [{ ...left, erased: true }, joined('ben', 2)];
    const told = messagesFor(
      EVENT,
      logOf(1).map((entry) => ({ ...entry, changes })),
      ALL,
    );
    expect(told.map(({ type, data }) => [type, data.index, data.userId])).toEqual([
      ['waitlist.left', 0, 'ana'],
      ['waitlist.joined', 1, 'ben'],
      ['user.erased', 2, 'ana'],
    ]);
  });

  test('must all be taken', () => {
    const [first, ...others] = arrivals;
    if (!first) throw new Error('no message');
    expect(faultsOf(entries, others).join()).toContain('never got 1 of 12 messages: 1.0');
    expect(faultsOf(entries, [{ ...first, takenAt: null }, ...others]).join()).toContain('never');
  });

  test('must be in the log, as the log has them', () => {
    expect(faultsOf(entries.slice(0, 11), arrivals).join()).toContain('not in the log');
    const [first] = arrivals;
    if (!first) throw new Error('no message');
    const { data } = first.message;
    const other = { ...first.message, data: { ...data, userId: 'ben' } };
    expect(faultsOf(entries, [...arrivals, arrival(other, 20)]).join()).toContain('not in the log');
  });

  test('may overtake those that are on their way with them, and no others', () => {
    const withFirst = (number: number) => arrivals.slice(number, number + 1).concat(arrivals);
    expect(faultsOf(entries, withFirst(5))).toEqual([]);
    expect(faultsOf(entries, withFirst(6)).join()).toContain('got 13.0 before 6 messages');
  });

  test('are not said to be delivered before they are', () => {
    const claim = (deliveredVersion: number, at: number) =>
      faultsOf(entries, arrivals, { claims: [{ endpoint: 'steady', deliveredVersion, at }] });
    expect(claim(6, 2)).toEqual([]);
    expect(claim(7, 2).join()).toContain('up to version 7, before it took 7.0');
  });

  test('are sent again by a replay', () => {
    const replays = [{ endpoint: 'steady', after: 19, at: 100 }];
    const again = arrivals.map((each) => ({ ...each, at: each.at + 100 }));
    expect(faultsOf(entries, [...arrivals, ...again.slice(10)], { replays })).toEqual([]);
    const some = faultsOf(entries, [...arrivals, ...again.slice(11)], { replays });
    expect(some.join()).toContain('was not sent 21.0 again by a replay after 19');
  });
});

describe('what came to endpoints', () => {
  const [first, second] = arrivalsOf(logOf(2));
  const strays = (arrivals: (Arrival | undefined)[], others: string[] = []) =>
    strayMessages(
      { arrivals: arrivals.filter((each) => each !== undefined), strays: others },
      new Set([EVENT]),
    );

  test('has one id for a message, whichever endpoint gets it, and one message for an id', () => {
    if (!first || !second) throw new Error('no message');
    expect(strays([first, { ...first, endpoint: 'flaky' }, second])).toEqual([]);
    expect(strays([first, { ...first, id: 'other' }]).join()).toContain('has the webhook-ids');
    expect(strays([first, { ...second, id: first.id }]).join()).toContain('two messages have');
  });

  test('is signed, about an event that there is, and a message', () => {
    if (!first) throw new Error('no message');
    expect(strays([{ ...first, fault: 'no signature' }]).join()).toContain('no signed message');
    const { message } = first;
    const other = { ...message, data: { ...message.data, eventId: 'other' } };
    expect(strays([arrival(other, 1)]).join()).toContain('a message of no event');
    expect(strays([], ['steady got GET /redirected']).join()).toContain('what is no message');
  });
});
