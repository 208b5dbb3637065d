import { describe, expect, test } from 'vitest';
import {
  BATCH_GET_MAX_KEYS,
  COMMIT_DEADLINE_MS,
  ERASURE_PAUSE_MS,
  ERASURE_WAIT_MS,
  KNOWN_USERS_MAX,
  KNOWN_USERS_MS,
  LOOKUPS_MAX_IN_FLIGHT,
  LOOKUPS_MAX_PENDING,
  QUEUE_WAIT_MS,
} from '../../src/limits.ts';
import { KnownUsers, UserDirectory } from '../../src/store/directory.ts';

/** A directory over a table that has the users for whom `exists` is true, and answers when the test says so. */
function open(exists: (userId: string) => boolean = () => true, known = new KnownUsers()) {
  const calls: { userIds: string[]; answer: () => void; fail: () => void }[] = [];
  const directory = new UserDirectory(
    (userIds) =>
      new Promise((resolve, reject) => {
        calls.push({
          userIds,
          answer: () => resolve(new Set(userIds.filter(exists))),
          fail: () => reject(new Error('no')),
        });
      }),
    known,
  );
  return { directory, calls };
}

/** A time before which no look-up expires. */
const LATER = Number.POSITIVE_INFINITY;

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('the directory of users', () => {
  test('look-ups of one turn share a call, and the same user is looked up once', async () => {
    const { directory, calls } = open();
    const answers = ['a', 'b', 'a'].map((userId) => directory.exists(userId, LATER));
    await turn();
    expect(calls.map(({ userIds }) => userIds)).toEqual([['a', 'b']]);
    calls[0]?.answer();
    expect(await Promise.all(answers)).toEqual([true, true, true]);
  });

  test('a user who was found is remembered, one who was not is looked up again', async () => {
    const { directory, calls } = open((userId) => userId === 'here');
    const first = [directory.exists('here', LATER), directory.exists('absent', LATER)];
    await turn();
    calls[0]?.answer();
    expect(await Promise.all(first)).toEqual([true, false]);
    expect(directory.isKnown('here')).toBe(true);
    expect(await directory.exists('here', LATER)).toBe(true);
    void directory.exists('absent', LATER);
    await turn();
    expect(calls.map(({ userIds }) => userIds)).toEqual([['here', 'absent'], ['absent']]);
  });

  test('a user whom one directory found is known to the others of the isolate', async () => {
    const known = new KnownUsers();
    const { directory, calls } = open(() => true, known);
    const answer = directory.exists('here', LATER);
    await turn();
    calls[0]?.answer();
    await answer;
    const other = open(() => true, known);
    expect(other.directory.isKnown('here')).toBe(true);
    expect(await other.directory.exists('here', LATER)).toBe(true);
    expect(other.calls).toEqual([]);
  });

  test('nobody is taken to exist for longer than a while after the look-up was sent', async () => {
    let now = 1_000_000;
    const known = new KnownUsers(() => now);
    known.add('here', now);
    now += KNOWN_USERS_MS - 1;
    expect(known.has('here')).toBe(true);
    now += 1;
    expect(known.has('here')).toBe(false);
    known.add('here', now);
    expect(known.has('here')).toBe(true);
    known.forget('here');
    expect(known.has('here')).toBe(false);
  });

  test('what counts is when the look-up was sent, not when it was answered', async () => {
    const times: number[] = [];
    class Watched extends KnownUsers {
      override add(userId: string, at: number) {
        times.push(at);
        super.add(userId, at);
      }
    }
    const { directory, calls } = open(() => true, new Watched());
    const askedAt = Date.now();
    const answer = directory.exists('here', LATER);
    await turn();
    await new Promise((resolve) => setTimeout(resolve, 50));
    calls[0]?.answer();
    await answer;
    expect(times.length).toBe(1);
    expect((times[0] ?? 0) - askedAt).toBeLessThan(45);
  });

  test('an erasure takes more than twice as long, and less than a minute', () => {
    expect(ERASURE_WAIT_MS).toBeGreaterThan(2 * KNOWN_USERS_MS);
    const lastCommit = KNOWN_USERS_MS + QUEUE_WAIT_MS + COMMIT_DEADLINE_MS;
    expect(ERASURE_WAIT_MS).toBeGreaterThan(lastCommit + 10 * ERASURE_PAUSE_MS);
    expect(ERASURE_WAIT_MS).toBeLessThan(60_000);
  });

  test('a call takes as many keys as DynamoDB does, and few calls are in flight', async () => {
    const { directory, calls } = open();
    const count = BATCH_GET_MAX_KEYS * 4;
    const answers = Array.from({ length: count }, (_, i) => directory.exists(`u${i}`, LATER));
    for (let i = 0; i < 10; i++) await turn();
    expect(calls.length).toBe(LOOKUPS_MAX_IN_FLIGHT);
    for (let i = 0; i < calls.length; i++) {
      expect(calls[i]?.userIds.length).toBe(BATCH_GET_MAX_KEYS);
      calls[i]?.answer();
      await turn();
    }
    expect((await Promise.all(answers)).every(Boolean)).toBe(true);
  });

  test('beside a call in flight only a full one is sent', async () => {
    const { directory, calls } = open();
    void directory.exists('first', LATER);
    await turn();
    const rest = Array.from({ length: BATCH_GET_MAX_KEYS - 1 }, (_, i) => `u${i}`);
    for (const userId of rest) void directory.exists(userId, LATER);
    await turn();
    expect(calls.length).toBe(1);
    void directory.exists('the hundredth', LATER);
    await turn();
    expect(calls.map(({ userIds }) => userIds.length)).toEqual([1, BATCH_GET_MAX_KEYS]);
  });

  test('a failed call fails its look-ups, and no later ones', async () => {
    const { directory, calls } = open();
    const failed = expect(directory.exists('a', LATER)).rejects.toThrow('no');
    await turn();
    calls[0]?.fail();
    await failed;
    const again = directory.exists('a', LATER);
    await turn();
    calls[1]?.answer();
    expect(await again).toBe(true);
  });

  test('a look-up that has waited too long is refused, and not sent', async () => {
    const { directory, calls } = open();
    void directory.exists('first', LATER);
    await turn();
    const late = expect(directory.exists('late', Date.now() + 5)).rejects.toThrow('too many');
    const patient = directory.exists('patient', LATER);
    await new Promise((resolve) => setTimeout(resolve, 10));
    calls[0]?.answer();
    await turn();
    await turn();
    await late;
    expect(calls[1]?.userIds).toEqual(['patient']);
    calls[1]?.answer();
    expect(await patient).toBe(true);
  });

  test('a look-up that another command waits for longer is sent', async () => {
    const { directory, calls } = open();
    void directory.exists('first', LATER);
    await turn();
    const both = [directory.exists('a', Date.now() + 5), directory.exists('a', LATER)];
    await new Promise((resolve) => setTimeout(resolve, 10));
    calls[0]?.answer();
    await turn();
    await turn();
    calls[1]?.answer();
    expect(await Promise.all(both)).toEqual([true, true]);
  });

  test('past the bound a look-up is refused at once', async () => {
    const { directory } = open();
    for (let i = 0; i < LOOKUPS_MAX_PENDING; i++) void directory.exists(`u${i}`, LATER);
    await expect(directory.exists('one more', LATER)).rejects.toThrow('too many');
  });

  test('the memory is bounded: the oldest users are dropped first', async () => {
    const { directory, calls } = open();
    for (let i = 0; i < KNOWN_USERS_MAX + 1; i += BATCH_GET_MAX_KEYS) {
      const answers = Array.from({ length: BATCH_GET_MAX_KEYS }, (_, j) =>
        directory.exists(`u${i + j}`, LATER),
      );
      await turn();
      calls.at(-1)?.answer();
      await Promise.all(answers);
    }
    expect(directory.isKnown('u0')).toBe(false);
    expect(directory.isKnown(`u${KNOWN_USERS_MAX / 2}`)).toBe(true);
    expect(directory.isKnown(`u${KNOWN_USERS_MAX}`)).toBe(true);
  });
});
