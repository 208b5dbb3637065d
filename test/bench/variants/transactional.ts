import { QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { RefusalReason } from '../../../src/event/command.ts';
import type { Registration, WaitlistEntry } from '../../../src/event/model.ts';
import type { Reply } from '../../../src/event/queue.ts';
import { sleep } from '../../../src/sleep.ts';
import type { Store } from '../../../src/store/client.ts';
import { INDEXES } from '../../../src/store/tables.ts';
import { type EventApi, readEventItem, refuse, withoutObject } from './event-api.ts';

/** How long a call is retried: shorter than the timeout of the load generator. */
const DEADLINE_MS = 15_000;
/**
 * Bounds of the pause after a lost race, drawn at random below a ceiling that doubles. Tried with 64
 * connections, 100 seats and 700 registrations, on a machine that was not idle (registrations/s, two
 * runs each): 4 to 250 ms: 37, 34; 64 to 512: 80, 69; 256 to 512: 98, 85; 256 to 2 000: 108, 69;
 * 1 000 throughout: 105, 62. Going on after the pause with the number that the failure returned,
 * instead of reading it again, got 46 (4 to 250) and 22 (32 to 256), some of them given up.
 */
const FIRST_PAUSE_MS = 256;
const PAUSE_MAX_MS = 512;

type Actions = NonNullable<ConstructorParameters<typeof TransactWriteCommand>[0]['TransactItems']>;

/** The counters of the event item, as a failed condition returns them. */
interface Counters {
  registeredCount: number;
  waitlistCount: number;
  lastPosition: number;
  hasWaitlist: boolean;
}

/** The result of a transaction: for each action, whether its condition held. */
type Attempt = { isApplied: true } | { isApplied: false; failed: number; event: Counters | null };

/**
 * The best solution without the object that keeps the promises: one transaction for each registration, on the
 * counters of the event item, which also checks the user. Taking a seat needs no read first: without a free seat
 * the condition fails and returns the item, at the price of a read. An entry needs a position that nobody else
 * gets, so it is a race. Row ids are made of event and user, so that nobody gets two places.
 */
function openTransactional({ client, tables }: Store, eventId: string): EventApi {
  async function attempt(actions: Actions): Promise<Attempt> {
    try {
      await client.send(new TransactWriteCommand({ TransactItems: actions }));
      return { isApplied: true };
    } catch (error) {
      const { name, CancellationReasons: reasons = [] } = error as {
        name: string;
        CancellationReasons?: { Code?: string; Item?: Record<string, { N: string }> }[];
      };
      if (name !== 'TransactionCanceledException') throw error;
      const failed = reasons.findIndex(({ Code }) => Code !== 'None');
      const item = reasons[0]?.Item;
      const event = item && {
        registeredCount: Number(item.registeredCount?.N),
        waitlistCount: Number(item.waitlistCount?.N),
        lastPosition: Number(item.lastPosition?.N),
        hasWaitlist: (item.hasWaitlist as { BOOL?: boolean } | undefined)?.BOOL === true,
      };
      return { isApplied: false, failed, event: event ?? null };
    }
  }

  async function readCounters(): Promise<Counters | null> {
    const item = await readEventItem({ client, tables }, eventId);
    return item && { ...item, hasWaitlist: item.event.hasWaitlist };
  }

  const onEvent = (
    set: string,
    condition: string,
    values: Record<string, number>,
  ): Actions[number] => ({
    Update: {
      TableName: tables.events,
      Key: { eventId },
      UpdateExpression: `SET ${set}`,
      ConditionExpression: condition,
      // The name is a reserved word in expressions.
      ...(condition.includes('#capacity')
        ? { ExpressionAttributeNames: { '#capacity': 'capacity' } }
        : {}),
      ExpressionAttributeValues: values,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });

  const userExists = (userId: string): Actions[number] => ({
    ConditionCheck: {
      TableName: tables.users,
      Key: { userId },
      ConditionExpression: 'attribute_exists(userId)',
    },
  });

  const now = () => new Date().toISOString();

  const toRegistration = (userId: string): Registration => ({
    registrationId: `${eventId}#${userId}`,
    userId,
    eventId,
    status: 'ACTIVE',
    createdAt: now(),
  });

  /** Takes a seat, if one is free and nobody waits. */
  function takeSeat(registration: Registration): Promise<Attempt> {
    const seat = 'registeredCount < #capacity AND waitlistCount = :none';
    return attempt([
      onEvent('registeredCount = registeredCount + :one', seat, { ':one': 1, ':none': 0 }),
      userExists(registration.userId),
      {
        Put: {
          TableName: tables.registrations,
          Item: registration,
          ConditionExpression: 'attribute_not_exists(registrationId)',
        },
      },
    ]);
  }

  /** Takes the next position, if nobody was faster. */
  function takePlace(entry: WaitlistEntry): Promise<Attempt> {
    const next = 'lastPosition = :last AND (registeredCount >= #capacity OR waitlistCount > :none)';
    return attempt([
      onEvent('lastPosition = :next, waitlistCount = waitlistCount + :one', next, {
        ':last': entry.position - 1,
        ':next': entry.position,
        ':one': 1,
        ':none': 0,
      }),
      userExists(entry.userId),
      {
        Put: {
          TableName: tables.waitlist,
          Item: entry,
          ConditionExpression: 'attribute_not_exists(entryId)',
        },
      },
      {
        ConditionCheck: {
          TableName: tables.registrations,
          Key: { registrationId: entry.entryId },
          ConditionExpression: 'attribute_not_exists(registrationId)',
        },
      },
    ]);
  }

  /** Repeats until it succeeds or it is too late. */
  async function persevere(step: (tries: number) => Promise<Reply | null>): Promise<Reply> {
    const deadline = Date.now() + DEADLINE_MS;
    for (let tries = 0; Date.now() < deadline; tries++) {
      const reply = await step(tries);
      if (reply) return reply;
      await sleep(Math.random() * Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** tries));
    }
    return { type: 'unavailable', reason: 'expired' };
  }

  async function firstInLine(): Promise<WaitlistEntry | undefined> {
    const { Items } = await client.send(
      new QueryCommand({
        TableName: tables.waitlist,
        IndexName: INDEXES.waitlistByPosition,
        KeyConditionExpression: 'eventId = :eventId',
        ExpressionAttributeValues: { ':eventId': eventId },
        Limit: 1,
      }),
    );
    return Items?.[0] as WaitlistEntry | undefined;
  }

  return {
    async create(input) {
      const event = { ...input, status: 'OPEN' as const, createdAt: now() };
      const books = { version: 1, registeredCount: 0, waitlistCount: 0, lastPosition: 0 };
      const Put = { TableName: tables.events, Item: { ...event, ...books } };
      await client.send(new TransactWriteCommand({ TransactItems: [{ Put }] }));
      return { type: 'created', event, revision: 1 };
    },

    async read() {
      const item = await readEventItem({ client, tables }, eventId);
      return item ? { type: 'read', owedCount: 0, ...item } : refuse('no-such-event');
    },

    async register(userId) {
      const registration = toRegistration(userId);
      const seat = await takeSeat(registration);
      if (seat.isApplied) return { type: 'registered', registration };
      if (seat.failed > 0) return refuse(seat.failed === 1 ? 'no-such-user' : 'already-registered');
      return persevere(async (tries) => {
        // After a pause, the returned item is outdated, and the next attempt would fail again.
        const event = tries === 0 ? seat.event : await readCounters();
        if (!event) return refuse('no-such-event');
        if (!event.hasWaitlist) return refuse('full');
        const position = event.lastPosition + 1;
        const entryId = `${eventId}#${userId}`;
        const entry = { entryId, userId, eventId, position, createdAt: now() };
        const place = await takePlace(entry);
        if (place.isApplied) return { type: 'waitlisted', entry };
        const refusals: (RefusalReason | undefined)[] = [
          undefined,
          'no-such-user',
          'already-waitlisted',
          'already-registered',
        ];
        const refusal = refusals[place.failed];
        return refusal ? refuse(refusal) : null;
      });
    },

    unregister: (userId) =>
      persevere(async () => {
        const registration = toRegistration(userId);
        const Delete = {
          TableName: tables.registrations,
          Key: { registrationId: registration.registrationId },
          ConditionExpression: 'attribute_exists(registrationId)',
        };
        const entry = await firstInLine();
        if (!entry) {
          const left = await attempt([
            onEvent('registeredCount = registeredCount - :one', 'waitlistCount = :none', {
              ':one': 1,
              ':none': 0,
            }),
            { Delete },
          ]);
          if (left.isApplied)
            return { type: 'unregistered', registration, promoted: null, offered: null };
          return left.failed === 1 ? refuse('not-registered') : null;
        }
        const promoted = toRegistration(entry.userId);
        const key = { TableName: tables.waitlist, Key: { entryId: entry.entryId } };
        const left = await attempt([
          onEvent('waitlistCount = waitlistCount - :one', 'waitlistCount > :none', {
            ':one': 1,
            ':none': 0,
          }),
          { Delete },
          { Put: { TableName: tables.registrations, Item: promoted } },
          { Delete: { ...key, ConditionExpression: 'attribute_exists(entryId)' } },
        ]);
        if (left.isApplied) return { type: 'unregistered', registration, promoted, offered: null };
        return left.failed === 1 ? refuse('not-registered') : null;
      }),
  };
}

export { EventObject } from '../../../src/object/event-object.ts';
export default withoutObject(openTransactional);
