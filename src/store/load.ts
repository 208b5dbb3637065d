import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { NotAdoptedError } from '../event/ports.ts';
import { EventState } from '../event/state.ts';
import {
  ABSENCE_MEMORY_MS,
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
import { readOne } from './one-call.ts';
import { FirstPages } from './pages.ts';
import { Reading } from './reading.ts';
import { readTimes } from './rows.ts';
import { type EventItem, fromAttributes, toAttributes } from './tables.ts';

/**
 * Reads an event item, consistently.
 *
 * @throws NotAdoptedError for an item without books
 */
async function readItem(store: Store, eventId: string): Promise<EventItem | undefined> {
  const item = await readOne(store, store.tables.events, { eventId });
  if (item && item.version === undefined) throw new NotAdoptedError();
  return item ? (fromAttributes(item) as EventItem) : undefined;
}

/**
 * Wins the fence: raises the version of the event item, so that no earlier transaction can be applied any
 * more. What is read afterwards stays true until we change it.
 */
async function winFence(store: Store, eventId: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const item = await readItem(store, eventId);
    // Nothing to fence: if the event is created later, the condition of an earlier creation fails.
    if (!item) return;
    const command = new UpdateItemCommand({
      TableName: store.tables.events,
      Key: toAttributes({ eventId }),
      UpdateExpression: 'SET #version = :next',
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: toAttributes({
        ':version': item.version,
        ':next': item.version + 1,
      }),
    });
    try {
      await callTables(
        (options) => store.client.send(command, options),
        readTimes(ATTEMPT_TIMEOUT_MS),
      );
      return;
    } catch (error) {
      // The version has changed, perhaps by an attempt of ours whose answer was lost: read again.
      if (!(error instanceof ConditionFailedError)) throw error;
      if (attempt + 1 >= FENCE_MAX_ATTEMPTS) {
        throw new StoreUnavailableError(
          'the event was written by others during every attempt',
          false,
        );
      }
      await sleep(backoffMs(attempt));
    }
  }
}

/** How long a load pauses after each pass, in milliseconds. After the pass that has no pause it fails. */
const PAUSES_MS = [LOAD_SECOND_PASS_PAUSE_MS, LOAD_THIRD_PASS_PAUSE_MS];

/** Loads one event from the tables, and proves that no row is missing. After a failed proof it rests for a while. */
export class EventLoader {
  readonly #store: Store;
  readonly #eventId: string;
  /** Epoch milliseconds until which the tables are not read again. */
  #restsUntil = 0;
  /** Epoch milliseconds until which the event counts as one of the seed system. */
  #notAdoptedUntil = 0;

  constructor(store: Store, eventId: string) {
    this.#store = store;
    this.#eventId = eventId;
  }

  /**
   * Loads the event. An event that does not exist is a state with version 0.
   *
   * @param fence win the fence first, because a transaction of ours may still be applied
   * @throws NotAdoptedError for an event of the seed system
   * @throws StoreUnavailableError when the tables do not answer, or the indexes lag behind the event item
   */
  async load({ fence }: { fence: boolean }): Promise<EventState> {
    if (Date.now() < this.#restsUntil) {
      throw new StoreUnavailableError(
        'the indexes lag behind the event item; loading rests for some seconds',
        false,
      );
    }
    if (Date.now() < this.#notAdoptedUntil) throw new NotAdoptedError();
    try {
      return await this.#loadProven(fence);
    } catch (error) {
      if (error instanceof NotAdoptedError) this.#notAdoptedUntil = Date.now() + ABSENCE_MEMORY_MS;
      throw error;
    }
  }

  async #loadProven(fence: boolean): Promise<EventState> {
    const deadline = Date.now() + LOAD_DEADLINE_MS;
    if (fence) await winFence(this.#store, this.#eventId);
    const reading = new Reading(this.#store, this.#eventId);
    for (let pass = 0; ; pass++) {
      const state = await this.#pass(reading, pass === 0);
      if (state) return state;
      const pause = PAUSES_MS[pass];
      // A second pass is always made, however long the first one took: it reads only what is missing.
      const isOver = pass > 0 && Date.now() + (pause ?? 0) >= deadline;
      if (pause === undefined || isOver) break;
      // Random, between half and all of the pause: events that wait for the same index must not ask at once.
      await sleep(pause * (0.5 + Math.random() / 2));
    }
    this.#restsUntil = Date.now() + LOAD_REST_MS;
    throw new StoreUnavailableError('the indexes lag behind the event item', false);
  }

  /**
   * Reads the item and what is missing of the rows, and proves them; null when they don't match.
   *
   * @param isFirst nothing was read yet: the item is read together with the first page of each index
   */
  async #pass(reading: Reading, isFirst: boolean): Promise<EventState | null> {
    const itemRead = readItem(this.#store, this.#eventId);
    const firstPages = isFirst ? new FirstPages(this.#store, this.#eventId) : null;
    try {
      const item = await itemRead;
      return item ? await reading.pass(item, firstPages) : new EventState();
    } finally {
      // An event that does not exist, or has no rows, is not kept waiting for an index.
      firstPages?.giveUp();
    }
  }
}
