import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { STEP_MAX_SEATS } from '../../src/limits.ts';
import {
  type Answer,
  api,
  capacityOf,
  newEvent,
  newUsers,
  onDynamo,
  register,
  truth,
  unregister,
} from '../support/desk.ts';
import { bumpVersion } from '../support/faults.ts';

const EVENTS = '/registration/events';
/** People who wait: more than the seats of two steps. */
const WAITING = 170;

const patch = (eventId: string, body: object) => api('PATCH', `${EVENTS}/${eventId}`, body);

const leaveLine = (userId: string, eventId: string) =>
  api('DELETE', `/registration/waitlist?userId=${userId}&eventId=${eventId}`);

const listed = ({ body }: Answer, list: 'promoted' | 'offered' = 'promoted') =>
  body[list].map(({ userId }: { userId: string }) => userId);

/** Lets each transaction wait until it is let go. Each looks by itself: what one context awaits, no other may end. */
function slowly() {
  let begun = 0;
  let allowed = 0;
  const watch = onDynamo(async ({ operation, send }) => {
    if (operation === 'TransactWriteItems') {
      const number = ++begun;
      while (number > allowed) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return send();
  });
  return {
    next: async () => {
      await expect.poll(() => begun, { timeout: 5_000 }).toBeGreaterThan(allowed);
      allowed++;
    },
    [Symbol.dispose]() {
      allowed = Number.POSITIVE_INFINITY;
      watch[Symbol.dispose]();
    },
  };
}

/** Waits until what was asked for has arrived at the object. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 200));

/** Waits until an event has more seats than before: a step was committed. */
const hasMoreThan = (eventId: string, count: number) =>
  expect
    .poll(async () => (await capacityOf(eventId)).body.registeredCount, { timeout: 5_000 })
    .toBeGreaterThan(count);

describe('a raise that several transactions give to the line', () => {
  let users: string[] = [];
  beforeAll(async () => {
    users = await newUsers(WAITING + 1);
  });

  /** An event with one seat, given to the first user, for which the others wait in their order. */
  async function crowded(settings: object = {}) {
    const eventId = await newEvent(1, true);
    if (Object.keys(settings).length > 0) await patch(eventId, settings);
    for (let i = 0; i < users.length; i += 50) {
      await Promise.all(users.slice(i, i + 50).map((userId) => register(userId, eventId)));
    }
    const { line, registered } = await truth(eventId);
    return { eventId, line, seated: registered[0] ?? '' };
  }

  test('serves others in between, who see no seat that they could have', async () => {
    const { eventId, line, seated } = await crowded();
    const [late = ''] = await newUsers(1);
    using transactions = slowly();
    const raise = patch(eventId, { capacity: 161 });
    await transactions.next();
    await hasMoreThan(eventId, 1);
    const between = (await capacityOf(eventId)).body;
    expect(between).toMatchObject({ totalCapacity: 161, availableCapacity: 0 });
    expect(between.registeredCount).toBe(49);
    const others = Promise.all([
      register(late, eventId),
      unregister(seated, eventId),
      leaveLine(line.at(-1) ?? '', eventId),
    ]);
    // One transaction is in flight already, with all that fits; the next one has what was asked for meanwhile.
    await settled();
    await transactions.next();
    await transactions.next();
    const [joined, left, gone] = await others;
    expect(joined.body.waitlistEntry.position).toBe(WAITING + 1);
    expect(left.body.promoted.userId).toBe(line[48 + 49 + STEP_MAX_SEATS]);
    expect(gone.status).toBe(200);
    transactions[Symbol.dispose]();
    const answer = await raise;
    const expected = line.slice(0, 161).filter((userId) => userId !== left.body.promoted.userId);
    expect(listed(answer)).toEqual(expected);
    expect(answer.body.promotedCount).toBe(160);
    expect((await truth(eventId)).line).toEqual([...line.slice(161, -1), late]);
  });

  test('survives an eviction', async () => {
    const { eventId, line } = await crowded();
    const answer = await patch(eventId, { capacity: 121 });
    expect(listed(answer)).toEqual(line.slice(0, 120));
    await evictDurableObject(env.EVENTS.getByName(eventId));
    expect((await capacityOf(eventId)).body).toMatchObject({
      ...{ registeredCount: 121, waitlistCount: 50, availableCapacity: 0 },
    });
    expect((await truth(eventId)).line).toEqual(line.slice(120));
  });

  test('that is cut short is answered as uncertain, and goes on with whoever comes next', async () => {
    const { eventId, line } = await crowded();
    let transactions = 0;
    const answer = await (async () => {
      using _ = onDynamo(async ({ operation, send }) => {
        if (operation === 'TransactWriteItems' && ++transactions === 2) await bumpVersion(eventId);
        return send();
      });
      return await patch(eventId, { capacity: 121 });
    })();
    expect(answer.status).toBe(503);
    // Whoever comes first finds the seats given, and so does whoever asks again.
    await expect
      .poll(async () => (await capacityOf(eventId)).body.registeredCount, { timeout: 5_000 })
      .toBe(121);
    expect((await truth(eventId)).line).toEqual(line.slice(120));
  });

  test('offers the seats where they are offered', async () => {
    const { eventId, line } = await crowded({ offerSeconds: 3_600 });
    const answer = await patch(eventId, { capacity: 101 });
    expect([listed(answer, 'offered'), answer.body.offeredCount]).toEqual([
      line.slice(0, 100),
      100,
    ]);
    expect((await truth(eventId)).offered).toEqual(line.slice(0, 100));
  });

  test('a dry run lists who would get a seat, and gives none', async () => {
    const { eventId, line } = await crowded();
    const dry = await patch(`${eventId}?dryRun=true`, { capacity: 121 });
    expect([listed(dry), dry.body.promotedCount]).toEqual([line.slice(0, 120), 120]);
    expect((await capacityOf(eventId)).body).toMatchObject({
      totalCapacity: 1,
      registeredCount: 1,
    });
  });

  test('two raises at once seat everybody once, in order, and each tells of its own', async () => {
    const { eventId, line } = await crowded();
    const [first, second] = await Promise.all([
      patch(eventId, { capacity: 61 }),
      patch(eventId, { capacity: 121 }),
    ]);
    const counts = [first.body.promotedCount, second.body.promotedCount];
    expect(counts[0] + counts[1]).toBe(120);
    const all = [...listed(first), ...listed(second)];
    expect(all.sort()).toEqual([...line.slice(0, 120)].sort());
    expect((await truth(eventId)).line).toEqual(line.slice(120));
  });

  test.each([
    ['lowered', (eventId: string) => patch(eventId, { capacity: 1 })],
    ['cancelled', (eventId: string) => api('DELETE', `${EVENTS}/${eventId}`)],
  ])('ends with those who have a seat when the event is %s meanwhile', async (_, end) => {
    const { eventId, line } = await crowded();
    using transactions = slowly();
    const raise = patch(eventId, { capacity: 161 });
    await transactions.next();
    await hasMoreThan(eventId, 1);
    const ended = end(eventId);
    await settled();
    transactions[Symbol.dispose]();
    expect((await ended).status).toBe(200);
    const answer = await raise;
    const { promotedCount } = answer.body;
    expect(promotedCount).toBeLessThan(160);
    expect(listed(answer)).toEqual(line.slice(0, promotedCount));
    const { registeredCount } = (await capacityOf(eventId)).body;
    expect(registeredCount).toBe(promotedCount + 1);
  });
});
