import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import { EventObject } from '../../src/object/event-object.ts';
import { INDEX_MAX_BYTES, LAYOUT, openMetrics, type Point } from '../../src/object/metrics.ts';
import { newEvent, newUsers, register, unique } from '../support/desk.ts';
import { bumpVersion, drop, fault, refusal } from '../support/faults.ts';

const POINT: Point = {
  kind: 'commit',
  outcome: 'unapplied',
  cause: 'busy',
  ms: 1,
  batch: 2,
  queue: 3,
  attempts: 4,
  throttles: 5,
  promotions: 6,
  delivered: 7,
  undelivered: 8,
  gaveUp: 9,
  pending: 10,
};

/** A dataset that keeps what is written to it. */
function dataset() {
  const written: AnalyticsEngineDataPoint[] = [];
  return {
    written,
    writeDataPoint: (point?: AnalyticsEngineDataPoint) => written.push(point ?? {}),
  };
}

/** Runs commands at once on an object of the event whose measurements are kept, and gives them. */
async function measure(eventId: string, ...commands: Command[]): Promise<Point[]> {
  const kept = dataset();
  await runInDurableObject(env.EVENTS.getByName(eventId), async (_, state) => {
    const object = new EventObject(state, { ...env, METRICS: kept });
    await Promise.all(commands.map((command) => object.execute(command)));
  });
  return kept.written.map(({ blobs = [], doubles = [] }) => {
    const texts = LAYOUT.blobs.map((name, i) => [name, blobs[i]]);
    return Object.fromEntries([...texts, ...LAYOUT.doubles.map((name, i) => [name, doubles[i]])]);
  });
}

const registration = (userId: string): Command => ({ type: 'register', userId });

describe('a data point', () => {
  test('has its columns where the dashboard looks for them', () => {
    const kept = dataset();
    openMetrics(kept, 'gala')(POINT);
    expect(kept.written).toEqual([
      {
        indexes: ['gala'],
        blobs: ['commit', 'unapplied', 'busy'],
        doubles: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      },
    ]);
  });

  test('has an index that Analytics Engine takes, whatever the id', () => {
    for (const [id, index] of [
      ['x'.repeat(96), 'x'.repeat(96)],
      ['x'.repeat(100), 'x'.repeat(96)],
      // Four bytes each: a character is not cut.
      [`x${'🎉'.repeat(99)}`, `x${'🎉'.repeat(23)}`],
    ] as const) {
      const kept = dataset();
      openMetrics(kept, id)(POINT);
      expect(kept.written[0]?.indexes).toEqual([index]);
      expect(new TextEncoder().encode(index).length).toBeLessThanOrEqual(INDEX_MAX_BYTES);
    }
  });

  test('that cannot be written does no harm, and is logged once', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const take = openMetrics(
      {
        writeDataPoint: () => {
          throw new Error('too many');
        },
      },
      'gala',
    );
    take(POINT);
    take(POINT);
    expect(warned.mock.calls).toEqual([
      ['{"problem":"metrics not written","eventId":"gala","error":"Error: too many"}'],
    ]);
    warned.mockRestore();
  });
});

describe('what is measured of an event', () => {
  test('a load, and each commit with its batch; no user ids', async () => {
    const eventId = await newEvent(5, true);
    const users = await newUsers(3);
    const points = await measure(eventId, ...users.map(registration));
    expect(points).toMatchObject([
      { kind: 'load', outcome: 'loaded', cause: '', batch: 0, attempts: 0 },
      { kind: 'commit', outcome: 'committed', cause: '', attempts: 1, throttles: 0, promotions: 0 },
    ]);
    expect(points[1]?.batch).toBe(3);
    expect(points[1]?.ms).toBeGreaterThanOrEqual(0);
    for (const userId of users) expect(JSON.stringify(points)).not.toContain(userId);
  });

  test('a question and a refusal commit nothing, so they have no point', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    const points = await measure(eventId, { type: 'read' }, registration(b));
    expect(points.map(({ kind }) => kind)).toEqual(['load']);
    expect(points[0]?.batch).toBe(1);
  });

  test('the number of promotions', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = '', c = ''] = await newUsers(3);
    for (const userId of [a, b, c]) await register(userId, eventId);
    const patch = { capacity: 3 };
    const points = await measure(
      eventId,
      { type: 'unregister', userId: a },
      { type: 'update', patch, revisions: null, isDryRun: false },
    );
    const promotions = points.reduce((sum, point) => sum + point.promotions, 0);
    expect(promotions).toBe(2);
  });

  test('the commands in the queue during a commit', async () => {
    const eventId = await newEvent(9, true);
    const [first = '', ...others] = await newUsers(4);
    const kept = dataset();
    await runInDurableObject(env.EVENTS.getByName(eventId), async (_, state) => {
      const object = new EventObject(state, { ...env, METRICS: kept });
      const replies: Promise<unknown>[] = [];
      using _fault = fault('TransactWriteItems', 1, async ({ send }) => {
        for (const userId of others) replies.push(object.execute(registration(userId)));
        // Looking up the users is another call.
        await new Promise((resolve) => setTimeout(resolve, 200));
        return send();
      });
      await object.execute(registration(first));
      await Promise.all(replies);
    });
    const queue = LAYOUT.doubles.indexOf('queue');
    expect(kept.written.slice(1).map(({ doubles }) => doubles?.[queue])).toEqual([3, 0]);
  });

  test('throttled attempts, and all attempts', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    using _ = fault('TransactWriteItems', 2, async () =>
      refusal(400, 'TransactionCanceledException', ['ThrottlingError']),
    );
    const [, commit] = await measure(eventId, registration(a));
    expect(commit).toMatchObject({ outcome: 'committed', attempts: 3, throttles: 2 });
  });

  test('an attempt with a lost answer counts as an attempt, not as throttled', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    using _ = fault('TransactWriteItems', 1, drop);
    const [, commit] = await measure(eventId, registration(a));
    expect(commit).toMatchObject({ outcome: 'committed', attempts: 2, throttles: 0 });
  });

  test('a commit that DynamoDB was too busy for, and why', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    using _ = fault('TransactWriteItems', 99, async () => refusal(400, 'ThrottlingException'));
    const [, commit] = await measure(eventId, registration(a));
    expect(commit).toMatchObject({
      outcome: 'unapplied',
      cause: 'DynamoDB does not answer: ThrottlingException',
    });
    expect(commit?.throttles).toBe(commit?.attempts);
  });

  test('a lost fence, the load after it, and the commit that then succeeds', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    using _ = fault('TransactWriteItems', 1, async ({ send }) => {
      await bumpVersion(eventId);
      return send();
    });
    const points = await measure(eventId, registration(a));
    expect(points.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'load loaded',
      'commit fenced',
      'load loaded',
      'commit committed',
    ]);
  });

  test('a load with refused credentials', async () => {
    const eventId = unique('event');
    using _ = fault('GetItem', 99, async () => refusal(400, 'UnrecognizedClientException'));
    const points = await measure(eventId, { type: 'read' });
    expect(points).toMatchObject([
      {
        kind: 'load',
        outcome: 'failed',
        cause: 'DynamoDB refuses the call: UnrecognizedClientException',
      },
    ]);
  });
});
