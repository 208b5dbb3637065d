import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { NotAdoptedError } from '../event/ports.ts';
import { EventState } from '../event/state.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  FENCE_MAX_ATTEMPTS,
  LOAD_DEADLINE_MS,
  LOAD_REST_MS,
  LOAD_SECOND_PASS_PAUSE_MS,
  LOAD_THIRD_PASS_PAUSE_MS,
} from '../limits.ts';
import { sleep } from '../sleep.ts';
import {
  backoffMs,
  ConditionFailedError,
  callTables,
  type Store,
  StoreUnavailableError,
} from './client.ts';
import { Reading } from './reading.ts';
import { read } from './rows.ts';
import type { EventItem } from './tables.ts';

/**
 * Reads an event item, consistently.
 *
 * @throws NotAdoptedError for an item without books
 */
async function readItem(store: Store, eventId: string): Promise<EventItem | undefined> {
  const command = new GetCommand({
    TableName: store.tables.events,
    Key: { eventId },
    ConsistentRead: true,
  });
  const { Item } = await callTables(
    (options) => store.client.send(command, options),
    read(ATTEMPT_TIMEOUT_MS),
  );
  if (Item && Item.version === undefined) throw new NotAdoptedError();
  return Item as EventItem | undefined;
}

/**
 * Moves the event's version on, so that no earlier transaction can be applied any more: whatever is
 * read afterwards stays true until we change it.
 */
async function winFence(store: Store, eventId: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const item = await readItem(store, eventId);
    // Nothing to fence: a late creation is refused by its own condition once somebody else creates.
    if (!item) return;
    const command = new UpdateCommand({
      TableName: store.tables.events,
      Key: { eventId },
      UpdateExpression: 'SET #version = :next',
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': item.version, ':next': item.version + 1 },
    });
    try {
      await callTables((options) => store.client.send(command, options), read(ATTEMPT_TIMEOUT_MS));
      return;
    } catch (error) {
      // Somebody wrote in between, perhaps an attempt of our own whose answer was lost: read again.
      if (!(error instanceof ConditionFailedError)) throw error;
      if (attempt + 1 >= FENCE_MAX_ATTEMPTS) {
        throw new StoreUnavailableError('the event is written by others all the time', false);
      }
      await sleep(backoffMs(attempt));
    }
  }
}

/** What a load waits after each pass; after the last it is given up. */
const PAUSES_MS = [LOAD_SECOND_PASS_PAUSE_MS, LOAD_THIRD_PASS_PAUSE_MS];

/** Loads one event out of the tables, proven whole; lets it rest after loads that could not be proven. */
export class EventLoader {
  readonly #store: Store;
  readonly #eventId: string;
  /** Epoch milliseconds before which the tables are not asked again. */
  #restsUntil = 0;

  constructor(store: Store, eventId: string) {
    this.#store = store;
    this.#eventId = eventId;
  }

  /**
   * Loads the event. One without an item is a state with version 0.
   *
   * @param fence whether a transaction of ours may still be on its way, which must be ruled out first
   * @throws NotAdoptedError for an event of another system
   * @throws StoreUnavailableError when the tables do not answer, or the indexes go on lagging
   */
  async load({ fence }: { fence: boolean }): Promise<EventState> {
    if (Date.now() < this.#restsUntil) {
      throw new StoreUnavailableError('the indexes lag behind the event item, which rests', false);
    }
    const deadline = Date.now() + LOAD_DEADLINE_MS;
    if (fence) await winFence(this.#store, this.#eventId);
    const reading = new Reading(this.#store, this.#eventId);
    for (let pass = 0; ; pass++) {
      // First: most who ask for an event that does not exist cost one call, and ranges follow from it.
      const item = await readItem(this.#store, this.#eventId);
      if (!item) return new EventState();
      const state = await reading.pass(item);
      if (state) return state;
      const pause = PAUSES_MS[pass];
      // However long the first pass took, what it brought is worth a second one.
      const isOver = pass > 0 && Date.now() + (pause ?? 0) >= deadline;
      if (pause === undefined || isOver) break;
      // Drawn from the upper half, so that events that wait for one index do not ask at one time.
      await sleep(pause * (0.5 + Math.random() / 2));
    }
    this.#restsUntil = Date.now() + LOAD_REST_MS;
    throw new StoreUnavailableError('the indexes lag behind the event item', false);
  }
}
