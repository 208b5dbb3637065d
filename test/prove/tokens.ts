import {
  type Action,
  type Answer,
  failure,
  type Item,
  NotSentError,
  success,
  type TransactWrite,
} from './wire.ts';

/** Reads the books of an event item; null when there is no item. */
export type ReadBooks = (table: string, eventId: string) => Promise<Books | null>;

interface Books {
  version: number;
  digest: string;
}

/**
 * The memory of ClientRequestTokens. DynamoDB remembers them for ten minutes, even if a machine of it fails. The
 * embedded one forgets them when it is killed. So the proxy keeps them; after a kill it finds out which calls had
 * been carried out before it lets new calls through.
 */
export class Tokens {
  readonly #applied = new Map<string, string>();
  readonly #doubtful = new Map<string, TransactWrite>();

  /** Carries out a transaction, unless one with its token was carried out already. */
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
    // Unknown, so there is no answer: the caller must find out in another way.
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

  /** Finds out which of the calls that were cut off had been carried out. No calls may be under way. */
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

/** The attributes that an update sets: their names and values have the same placeholder. */
function writtenBy(update: NonNullable<Action['Update']>): Item {
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = update;
  return Object.fromEntries(
    Object.entries(names).flatMap(([placeholder, name]) => {
      const value = values[placeholder.replace('#', ':')];
      // The version in the condition is the one before the update.
      return value && placeholder !== '#version' ? [[name, value]] : [];
    }),
  );
}
