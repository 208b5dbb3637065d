import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { LOAD_REST_MS } from '../../src/limits.ts';
import { openSequencer } from '../../src/object/open-sequencer.ts';
import {
  capacityOf,
  countDynamo,
  type DynamoCall,
  newEvent,
  newUsers,
  onDynamo,
  register,
  store,
  truth,
  unregister,
} from '../support/desk.ts';
import { bumpVersion, drop, fault, hang, refusal } from '../support/faults.ts';

const evict = (eventId: string) => evictDurableObject(env.EVENTS.getByName(eventId));

describe('eviction', () => {
  test('between any two steps changes nothing', async () => {
    const eventId = await newEvent(2, true);
    const [a = '', b = '', c = '', d = ''] = await newUsers(4);
    const step = async <T>(run: () => Promise<T>): Promise<T> => {
      const result = await run();
      await evict(eventId);
      return result;
    };
    await evict(eventId);
    expect((await step(() => register(a, eventId))).body.registration).not.toBeNull();
    expect((await step(() => register(b, eventId))).body.registration).not.toBeNull();
    expect((await step(() => register(c, eventId))).body.waitlistEntry.position).toBe(1);
    expect((await step(() => register(d, eventId))).body.waitlistEntry.position).toBe(2);
    expect((await step(() => register(d, eventId))).status).toBe(409);
    expect((await step(() => unregister(a, eventId))).body.promoted.userId).toBe(c);
    // Position 1 was given, even though its entry has left the line.
    expect((await step(() => register(a, eventId))).body.waitlistEntry.position).toBe(3);
    expect((await step(() => capacityOf(eventId))).body.availableCapacity).toBe(0);
    expect((await truth(eventId)).line).toEqual([d, a]);
  });
});

describe('a reset of the object', () => {
  test('during a request is a 503, and a repetition gets the outcome', async () => {
    const eventId = await newEvent(2, true);
    const [a = ''] = await newUsers(1);
    const stub = env.EVENTS.getByName(eventId);
    {
      using _ = fault('TransactWriteItems', 1, async ({ send }) => {
        await send();
        // Longer than the test: the runtime would tell of a promise that nothing can settle.
        return new Promise<Response>((resolve) =>
          setTimeout(() => resolve(new Response()), 60_000),
        );
      });
      const answer = register(a, eventId);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await runInDurableObject(stub, (_, state) => state.abort('updated')).catch(() => {});
      const { status, body } = await answer;
      expect(status).toBe(503);
      expect(body.detail).toContain('may or may not have been made');
    }
    expect((await register(a, eventId)).status).toBe(409);
    expect((await truth(eventId)).registered).toEqual([a]);
  });
});

describe('the fence', () => {
  test('a second writer raises the version: the command is decided again, and carried out once', async () => {
    const eventId = await newEvent(5, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    await bumpVersion(eventId);
    expect((await register(b, eventId)).status).toBe(201);
    expect((await truth(eventId)).registered.sort()).toEqual([a, b].sort());
  });

  test('a second instance takes the last seat: the first does not give it away again', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    expect((await capacityOf(eventId)).body.availableCapacity).toBe(1);
    const second = openSequencer(store, eventId, { logDays: 30 });
    const reply = await second.submit({ type: 'register', userId: a }, Date.now() + 2_000);
    expect(reply.type).toBe('registered');
    expect((await register(b, eventId)).body.title).toBe('CapacityError');
    expect((await truth(eventId)).registered).toEqual([a]);
  });

  test('two instances under load at once: every acknowledged seat holds, none is given twice', async () => {
    const eventId = await newEvent(20, true);
    const users = await newUsers(60);
    const second = openSequencer(store, eventId, { logDays: 30 });
    const replies = await Promise.all(
      users.map(async (userId, i) => {
        if (i % 2 === 0) return { userId, ...(await register(userId, eventId)).body };
        const reply = await second.submit({ type: 'register', userId }, Date.now() + 2_400);
        return {
          userId,
          registration: reply.type === 'registered' ? reply.registration : null,
          waitlistEntry: reply.type === 'waitlisted' ? reply.entry : null,
        };
      }),
    );
    const { registered, line } = await truth(eventId);
    for (const { userId, registration, waitlistEntry } of replies) {
      if (registration) expect(registered).toContain(userId);
      if (waitlistEntry) expect(line).toContain(userId);
    }
  });
});

describe('an answer that is lost', () => {
  test.for([
    ['after the write', async ({ send }: DynamoCall) => send().then(drop)],
    ['before the write', drop],
    [
      'behind a 500',
      async ({ send }: DynamoCall) => send().then(() => refusal(500, 'InternalServerError')),
    ],
    ['in a hang', hang],
  ] as const)('%s: the registration is made once, and reported as made', async ([, meet]) => {
    const eventId = await newEvent(5, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    using _ = fault('TransactWriteItems', 1, meet);
    const { status, body } = await register(b, eventId);
    expect(status).toBe(201);
    expect(body.registration.userId).toBe(b);
    expect((await truth(eventId)).registered.sort()).toEqual([a, b].sort());
  });

  test('to the creation of an event: it is created once, and reported as created', async () => {
    using _ = fault('TransactWriteItems', 1, async ({ send }) => send().then(drop));
    const eventId = await newEvent(5, true);
    expect((await truth(eventId)).item.version).toBe(1);
  });

  test('for good: the caller is told that it is uncertain, and a repetition gets the truth', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    {
      using _ = fault('TransactWriteItems', 100, async ({ send }) => send().then(drop));
      const { status, body, headers } = await register(a, eventId);
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('2');
      expect(body.detail).toContain('may or may not have been made');
    }
    expect((await register(a, eventId)).status).toBe(409);
    expect((await truth(eventId)).registered).toEqual([a]);
  });

  test('a write that is applied after all attempts cannot undo later decisions', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    await capacityOf(eventId);
    const late: { url: string; headers: [string, string][]; body: string }[] = [];
    {
      using _ = fault('TransactWriteItems', 100, async (call) => {
        const { url, headers } = call.request;
        late.push({ url, headers: [...headers], body: await call.request.clone().text() });
        return hang(call);
      });
      expect((await register(a, eventId)).status).toBe(503);
    }
    // Nobody was told that a had the seat; b gets it.
    expect((await register(b, eventId)).status).toBe(201);
    for (const { url, headers, body } of late) {
      const answer = await fetch(url, { method: 'POST', headers, body });
      expect(await answer.text()).toContain('ConditionalCheckFailed');
    }
    expect((await truth(eventId)).registered).toEqual([b]);
  });
});

describe('a busy DynamoDB', () => {
  test.for([
    ['throttling', () => refusal(400, 'ThrottlingException')],
    ['exhausted throughput', () => refusal(400, 'ProvisionedThroughputExceededException')],
    [
      'a conflict',
      () => refusal(400, 'TransactionCanceledException', ['TransactionConflict', 'None']),
    ],
    [
      'a throttled index',
      () => refusal(400, 'TransactionCanceledException', ['None', 'ThrottlingError']),
    ],
  ] as const)('%s is waited out', async ([, answer]) => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    using _ = fault('TransactWriteItems', 3, async () => answer());
    expect((await register(a, eventId)).status).toBe(201);
    expect((await truth(eventId)).registered).toEqual([a]);
  });

  test('that stays busy: the caller is told that nothing was changed, and nothing was', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    {
      using _ = fault('TransactWriteItems', 1_000, async () => refusal(400, 'ThrottlingException'));
      const { status, body } = await register(a, eventId);
      expect(status).toBe(503);
      expect(body.detail).toContain('nothing was changed');
    }
    expect((await truth(eventId)).registered).toEqual([]);
    expect((await register(a, eventId)).status).toBe(201);
  });
});

describe('an index that lags', () => {
  type Rows = Record<string, { S?: string; N?: string }>[];

  /** Alters the rows that the registrations index shows, for `times` reads. */
  const lag = (times: number, alter: (rows: Rows) => Rows) =>
    fault('Query', times, async ({ request, send }) => {
      const asked = (await request.clone().json()) as { IndexName: string };
      const response = await send();
      if (asked.IndexName !== 'EventIdIndex') return response;
      const page = (await response.json()) as { Items: Rows };
      return Response.json({ ...page, Items: alter(page.Items) });
    });

  /** A full event of two, whose index still shows `gone`, who left and was replaced by `b`. */
  async function fullEvent() {
    const eventId = await newEvent(2, false);
    const [a = '', gone = '', b = '', newcomer = ''] = await newUsers(4);
    await register(a, eventId);
    const left = (await register(gone, eventId)).body.registration;
    await unregister(gone, eventId);
    await register(b, eventId);
    const stale = Object.fromEntries(
      Object.entries(left as Record<string, string>).map(([key, S]) => [key, { S }]),
    );
    await evict(eventId);
    return { eventId, a, b, newcomer, stale };
  }

  test.for([
    ['a row is missing', (rows: Rows) => rows.slice(1)],
    ['a stale row is there', (rows: Rows, stale: Rows[number]) => [...rows, stale]],
    [
      'one is missing and one is stale',
      (rows: Rows, stale: Rows[number]) => [...rows.slice(1), stale],
    ],
    ['all are missing', () => []],
  ] as const)('%s: it is read again, and nobody is seated by mistake', async ([, alter]) => {
    const { eventId, a, b, newcomer, stale } = await fullEvent();
    using _ = lag(2, (rows) => alter(rows, stale));
    expect((await register(newcomer, eventId)).body.title).toBe('CapacityError');
    expect((await truth(eventId)).registered.sort()).toEqual([a, b].sort());
  });

  test('for too long: commands are refused with 503, never decided on a guess', async () => {
    const { eventId, newcomer } = await fullEvent();
    {
      using _ = lag(1_000, () => []);
      const start = Date.now();
      const answers = await Promise.all([register(newcomer, eventId), capacityOf(eventId)]);
      expect(answers.map(({ status }) => status)).toEqual([503, 503]);
      expect(Date.now() - start).toBeLessThan(5_000);
    }
    const calls = countDynamo();
    try {
      // The event rests: commands are refused at once, and no table is read.
      expect((await capacityOf(eventId)).status).toBe(503);
      expect(calls.operations).toEqual([]);
    } finally {
      calls[Symbol.dispose]();
    }
    await new Promise((resolve) => setTimeout(resolve, LOAD_REST_MS));
    expect((await capacityOf(eventId)).body.availableCapacity).toBe(0);
  });
});

describe('a DynamoDB that cannot be reached', () => {
  test('is a 503 with Retry-After within 5 s on every call, and calls succeed afterwards', async () => {
    const eventId = await newEvent(5, true);
    const cold = await newEvent(5, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    await evict(cold);
    for (const meet of [drop, hang]) {
      using _ = onDynamo(meet);
      const start = Date.now();
      const answers = await Promise.all([
        register(b, eventId),
        unregister(a, eventId),
        capacityOf(cold),
        register(a, cold),
      ]);
      expect(Date.now() - start).toBeLessThan(5_000);
      for (const { status, headers, body } of answers) {
        expect(status).toBe(503);
        expect(headers.get('retry-after')).toBe('2');
        expect(headers.get('content-type')).toBe('application/problem+json');
        expect(body.title).toBe('UnavailableError');
      }
    }
    expect((await register(b, eventId)).status).toBe(201);
    expect((await capacityOf(cold)).body.availableCapacity).toBe(5);
    expect((await truth(eventId)).registered.sort()).toEqual([a, b].sort());
  });
});
