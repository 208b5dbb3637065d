import {
  type Action,
  type Answer,
  failure,
  type Item,
  NotSentError,
  success,
  type TransactWrite,
} from './wire.ts';

/** What an event item says of itself, or null where there is none. */
export type ReadBooks = (table: string, eventId: string) => Promise<Books | null>;

interface Books {
  version: number;
  digest: string;
}

/**
 * The memory of ClientRequestTokens. DynamoDB remembers them for ten minutes, whatever happens to any
 * machine of it; the embedded one forgets them when it is killed. So the proxy keeps them, and settles
 * those whose call was cut off by a kill before anybody is let in again.
 */
export class Tokens {
  readonly #applied = new Map<string, string>();
  readonly #doubtful = new Map<string, TransactWrite>();

  /** Carries out a transaction, unless its token says that it was. */
  async guard(write: TransactWrite, send: () => Promise<Answer>): Promise<Answer> {
    const token = write.ClientRequestToken;
    if (token === undefined) return send();
    const content = JSON.stringify(write.TransactItems);
    const applied = this.#applied.get(token);
    if (applied !== undefined) {
      return applied === content
        ? success({})
        : failure(400, 'IdempotentParameterMismatchException');
    }
    // Nobody knows, and nothing may be said: the caller has to settle it in another way.
    if (this.#doubtful.has(token)) throw new Error('it cannot be told what became of this token');
    try {
      const answer = await send();
      if (answer.status === 200) this.#applied.set(token, content);
      return answer;
    } catch (error) {
      if (!(error instanceof NotSentError)) this.#doubtful.set(token, write);
      throw error;
    }
  }

  /** Finds out, while nobody writes, which of the calls that were cut off had been carried out. */
  async settle(readBooks: ReadBooks): Promise<void> {
    for (const [token, write] of this.#doubtful) {
      const first = write.TransactItems[0];
      const item = first?.Put?.Item ?? (first?.Update ? writtenBy(first.Update) : {});
      const table = first?.Update?.TableName ?? first?.Put?.TableName;
      const eventId = (first?.Update?.Key ?? first?.Put?.Item)?.eventId?.S;
      if (table === undefined || eventId === undefined) continue;
      const version = Number(item.version?.N);
      const digest = item.digest?.S;
      const books = await readBooks(table, eventId);
      if (books?.version === version && books.digest === digest) {
        this.#applied.set(token, JSON.stringify(write.TransactItems));
        this.#doubtful.delete(token);
      } else if ((books?.version ?? 0) <= version) {
        this.#doubtful.delete(token);
      }
    }
  }
}

/** The attributes that an update sets: those that its names and values have under one placeholder. */
function writtenBy(update: NonNullable<Action['Update']>): Item {
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = update;
  return Object.fromEntries(
    Object.entries(names).flatMap(([placeholder, name]) => {
      const value = values[placeholder.replace('#', ':')];
      // The version that the condition names is the one before.
      return value && placeholder !== '#version' ? [[name, value]] : [];
    }),
  );
}
