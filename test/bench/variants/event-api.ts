import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Config } from '../../../src/config.ts';
import type { Command, Outcome, RefusalReason } from '../../../src/event/command.ts';
import type { NewEvent } from '../../../src/event/model.ts';
import type { Reply } from '../../../src/event/queue.ts';
import app from '../../../src/http/app.ts';
import type { EventObject } from '../../../src/object/event-object.ts';
import { servicesOf } from '../../../src/services.ts';
import type { Store } from '../../../src/store/client.ts';
import { type EventItem, toEventRecord } from '../../../src/store/tables.ts';

/** What the benchmark asks of an event, in every variant. */
export interface EventApi {
  create(event: NewEvent): Promise<Reply>;
  read(): Promise<Reply>;
  register(userId: string): Promise<Reply>;
  unregister(userId: string): Promise<Reply>;
}

/** A refusal by the rules. */
export const refuse = (reason: RefusalReason): Extract<Outcome, { type: 'refused' }> => ({
  type: 'refused',
  reason,
});

/** The event and its counts, from an event item. */
export async function readEventItem({ client, tables }: Store, eventId: string) {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.events, Key: { eventId }, ConsistentRead: true }),
  );
  if (!Item) return null;
  const { registeredCount, waitlistCount, lastPosition } = Item as EventItem;
  const event = toEventRecord(Item as EventItem);
  return { event, revision: 1, registeredCount, offeredCount: 0, waitlistCount, lastPosition };
}

/**
 * The SDK's unchanged client, which people would normally use; or the product's own, which costs
 * half, if `BENCH_STORE` is `ours`.
 */
function openStoreFor(env: Env & { BENCH_STORE?: string }): Store {
  const { config, store } = servicesOf(env);
  if (env.BENCH_STORE === 'ours') return store;
  const { region, credentials, endpoint }: Config = config;
  const client = new DynamoDBClient({ region, credentials, ...(endpoint ? { endpoint } : {}) });
  return { client: DynamoDBDocumentClient.from(client), tables: config.tables };
}

/** Carries out a command, with the interface of the product's object. */
function execute(api: EventApi, command: Command): Promise<Reply> {
  switch (command.type) {
    case 'create':
      return api.create(command.event);
    case 'read':
      return api.read();
    case 'register':
      return api.register(command.userId);
    case 'unregister':
      return api.unregister(command.userId);
    default:
      throw new Error(`the benchmark asks no ${command.type}`);
  }
}

/**
 * The product's worker with its routes, but instead of the object something else that runs in the
 * worker itself, directly on the tables.
 */
export function withoutObject(
  open: (store: Store, eventId: string) => EventApi,
): ExportedHandler<Env> {
  // One environment for all requests, since the product keeps its services for each environment.
  let replaced: Env | undefined;
  return {
    fetch(request, env, ctx) {
      if (!replaced) {
        const store = openStoreFor(env);
        const EVENTS = {
          getByName: (eventId: string) => ({
            execute: (command: Command) => execute(open(store, eventId), command),
          }),
        };
        // The routes use no other methods of a namespace or a stub.
        const namespace = EVENTS as unknown as DurableObjectNamespace<EventObject>;
        replaced = { ...env, EVENTS: namespace };
      }
      return app.fetch(request, replaced, ctx);
    },
  };
}
