import { DurableObject } from 'cloudflare:workers';

interface Registration {
  registrationId: string;
  userId: string;
  eventId: string;
  status: 'ACTIVE';
  createdAt: string;
}

type FloorEnv = Env & { FLOOR_LOOKS_UP?: string };

const EVENTS = 'registration-events-table';
const REGISTRATIONS = 'registrations-table';
const USERS = 'users-table';
/** A signature of the right form: the embedded database reads the region from it, and checks nothing. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, ' +
  'SignedHeaders=host, Signature=0';

const text = (value: string) => ({ S: value });
const number = (value: number) => ({ N: String(value) });

/** Gathers what comes while a call is in flight into the next call. */
class Gathered<Item> {
  readonly #call: (items: Item[]) => Promise<unknown>;
  #items: Item[] = [];
  #next: Promise<unknown> | undefined;
  #inFlight: Promise<unknown> = Promise.resolve();

  constructor(call: (items: Item[]) => Promise<unknown>) {
    this.#call = call;
  }

  /** Resolves when the call with this item was answered. */
  join(item: Item): Promise<unknown> {
    this.#items.push(item);
    this.#next ??= this.#inFlight.then(() => {
      const items = this.#items.splice(0, 98);
      this.#next = undefined;
      this.#inFlight = this.#call(items);
      return this.#inFlight;
    });
    return this.#next;
  }
}

/**
 * The cost of the platform: it reads a body, calls an object, looks users up and commits in the same calls as the
 * service, and answers. It has no code of ours, and no library: it routes, checks, decides and signs nothing.
 */
export class EventObject extends DurableObject<FloorEnv> {
  #version = 1;
  readonly #lookUps = new Gathered<string>((userIds) => this.#lookUp(userIds));
  readonly #commits = new Gathered<Registration>((rows) => this.#commit(rows));

  async register(eventId: string, userId: string): Promise<Registration> {
    if (this.env.FLOOR_LOOKS_UP === 'yes') await this.#lookUps.join(userId);
    const createdAt = new Date().toISOString();
    const registrationId = crypto.randomUUID();
    const row: Registration = { registrationId, userId, eventId, status: 'ACTIVE', createdAt };
    await this.#commits.join(row);
    return row;
  }

  async #call(operation: string, input: object): Promise<unknown> {
    const answer = await fetch(this.env.DYNAMODB_ENDPOINT ?? '', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        'x-amz-date': '20260101T000000Z',
        authorization: AUTHORIZATION,
      },
      body: JSON.stringify(input),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(body);
    return JSON.parse(body);
  }

  #lookUp(userIds: string[]): Promise<unknown> {
    const Keys = userIds.map((userId) => ({ userId: text(userId) }));
    return this.#call('BatchGetItem', { RequestItems: { [USERS]: { Keys } } });
  }

  #commit(rows: Registration[]): Promise<unknown> {
    const { eventId = '', createdAt = '' } = rows[0] ?? {};
    const base = this.#version++;
    const Update = {
      TableName: EVENTS,
      Key: { eventId: text(eventId) },
      UpdateExpression: 'SET #version = :version, registeredCount = :count',
      ConditionExpression: 'attribute_not_exists(#version) OR #version = :base',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: {
        ...{ ':base': number(base), ':version': number(base + 1), ':count': number(base) },
      },
    };
    const seats = rows.map(({ registrationId, userId }) => ({
      Put: {
        TableName: REGISTRATIONS,
        Item: {
          ...{ registrationId: text(registrationId), userId: text(userId) },
          ...{ eventId: text(eventId), status: text('ACTIVE'), createdAt: text(createdAt) },
        },
      },
    }));
    const log = {
      Put: {
        TableName: REGISTRATIONS,
        Item: {
          registrationId: text(`log#${eventId}#${base + 1}`),
          changes: text(rows.map(({ registrationId }) => registrationId).join()),
        },
      },
    };
    return this.#call('TransactWriteItems', {
      TransactItems: [{ Update }, ...seats, log],
      ClientRequestToken: crypto.randomUUID(),
    });
  }
}

export default {
  async fetch(request, env) {
    if (request.method === 'GET') return new Response('ready');
    const { userId, eventId } = await request.json<{ userId?: string; eventId: string }>();
    // An event needs nothing here.
    if (userId === undefined) return Response.json({}, { status: 201 });
    const object = env.EVENTS.getByName(eventId) as unknown as DurableObjectStub<EventObject>;
    const registration = await object.register(eventId, userId);
    const message = `User ${userId} is registered for event ${eventId}.`;
    const answer = { success: true, message, registration, waitlistEntry: null };
    return Response.json(answer, { status: 201 });
  },
} satisfies ExportedHandler<FloorEnv>;
