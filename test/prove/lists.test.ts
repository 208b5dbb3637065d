import { describe, expect, test } from 'vitest';
import { toCsv } from '../../src/http/csv.ts';
import { toOutcome } from './answers.ts';
import type { Reply } from './client.ts';
import type { Asked, PeopleList } from './history.ts';
import { UnexpectedAnswerError, writeCursor } from './lists.ts';
import { lengthened, ODD_NAME } from './scenario.ts';

const EVENT = lengthened('event');
const ask = (list: PeopleList, limit = 2): Asked => ({
  ...{ type: 'list', list, format: 'json', after: 0, limit },
});
const csv = (list: PeopleList): Asked => ({
  type: 'list',
  list,
  format: 'csv',
  after: 0,
  limit: 1_000,
});
const json = (items: object[], nextCursor: string | null): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: { items, nextCursor },
});
const text = (...lines: unknown[][]): Reply => ({
  status: 200,
  headers: { 'content-type': 'text/csv; charset=utf-8; header=present' },
  body: { text: `\uFEFF${lines.map(toCsv).join('')}` },
});
const seat = (userId: string) => ({ userId, name: userId, registrationId: `r-${userId}` });
const place = (userId: string, position: number) => ({
  ...{ userId, name: userId, entryId: `w-${userId}`, position },
});

describe('a page as JSON', () => {
  test('tells the order number of the seat that it ends with', () => {
    const reply = json([seat('a'), seat('b')], writeCursor('registrations', EVENT, 7));
    expect(toOutcome(reply, EVENT, ask('registrations'))).toEqual({
      type: 'page',
      rows: [
        { userId: 'a', id: 'r-a' },
        { userId: 'b', id: 'r-b', seq: 7 },
      ],
      next: 7,
    });
  });
  test('tells positions', () => {
    expect(toOutcome(json([place('a', 3)], null), EVENT, ask('waitlist'))).toEqual({
      type: 'page',
      rows: [{ userId: 'a', id: 'w-a', position: 3 }],
      next: null,
    });
  });

  const bad: Record<string, [Reply, Asked]> = {
    'a cursor of another list': [
      json([seat('a'), seat('b')], writeCursor('waitlist', EVENT, 7)),
      ask('registrations'),
    ],
    'a cursor of another event': [
      json([seat('a'), seat('b')], writeCursor('registrations', 'other', 7)),
      ask('registrations'),
    ],
    'more rows than were asked for': [json([seat('a'), seat('b')], null), ask('registrations', 1)],
    'fewer rows than were asked for, and more to come': [
      json([seat('a')], writeCursor('registrations', EVENT, 7)),
      ask('registrations'),
    ],
    'a row with the name of somebody else': [
      json([{ ...seat('a'), name: 'b' }], null),
      ask('registrations'),
    ],
    'a place among the seats': [json([place('a', 1)], null), ask('registrations')],
    'JSON where CSV was asked for': [json([], null), csv('waitlist')],
  };
  test.each(Object.entries(bad))('%s is never given', (_, [reply, asked]) => {
    expect(() => toOutcome(reply, EVENT, asked)).toThrow(UnexpectedAnswerError);
  });
});

describe('a list as CSV', () => {
  const columns = ['position', 'userId', 'name', 'entryId', 'createdAt'];
  test('is read by its first line, whatever has to be escaped', () => {
    const rows = [place(ODD_NAME, 1), place(lengthened('a'), 2), place('two\r\nlines', 5)];
    const lines = rows.map((row) => columns.map((column) => Object(row)[column]));
    expect(toOutcome(text(columns, ...lines), EVENT, csv('waitlist'))).toEqual({
      type: 'page',
      rows: rows.map(({ userId, entryId, position }) => ({ userId, id: entryId, position })),
      next: null,
    });
  });
  test('an empty one has its first line', () => {
    const empty = { type: 'page', rows: [], next: null };
    expect(toOutcome(text(columns), EVENT, csv('waitlist'))).toEqual(empty);
  });
  test('an answer that is not CSV is a violation', () => {
    const reply = text(columns);
    reply.body.text += '1,a "quote" inside,a,w-a,\r\n';
    expect(() => toOutcome(reply, EVENT, csv('waitlist'))).toThrow('not CSV');
  });
});
