/** A text of the source, which must occur once, and what it is replaced with. */
export interface Replacement {
  /** Below `src`. */
  file: string;
  from: string;
  to: string;
}

/** A defect, put in on purpose to see whether the campaign finds it. */
export interface Mutation {
  name: string;
  replacements: Replacement[];
}

/** The defects that the campaign must find, each a way in which such systems are wrong in practice. */
export const MUTATIONS: Mutation[] = [
  {
    name: 'the fence removed',
    replacements: [
      {
        file: 'store/expressions.ts',
        from: "ConditionExpression: '#version = :version',",
        to: "ConditionExpression: 'attribute_exists(#version) OR #version = :version',",
      },
    ],
  },
  {
    name: 'an unknown outcome taken for a failure',
    replacements: [
      {
        file: 'store/client.ts',
        from: "if (verdict === 'uncertain') isUncertain = true;",
        to: '',
      },
    ],
  },
  {
    name: 'the reply sent before the commit',
    replacements: [
      {
        file: 'event/sequencer.ts',
        from: 'await this.#conclude(batch.decided, this.#commit(state, batch));',
        to: `batch.decided.forEach(({ pending, outcome }) => pending.settle(outcome));
        await this.#conclude(batch.decided, this.#commit(state, batch));`,
      },
    ],
  },
  {
    name: 'promotion by time of arrival instead of position',
    replacements: [
      {
        file: 'event/rules/seating.ts',
        from: 'for (const entry of view.waiting()) {',
        to: `for (const entry of [...view.waiting()].sort((a, b) =>
          a.createdAt.localeCompare(b.createdAt) || a.entryId.localeCompare(b.entryId))) {`,
      },
    ],
  },
  {
    name: 'the loader trusting the index',
    replacements: [{ file: 'store/reading.ts', from: 'if (!isWhole) return null;', to: '' }],
  },
  {
    name: 'the loader trusting the counts',
    replacements: [
      { file: 'store/reading.ts', from: 'toDigest(state.digest) === item.digest;', to: 'true;' },
    ],
  },
  {
    name: 'the token not reused',
    replacements: [
      {
        file: 'store/commit.ts',
        from: 'return await store.client.send(command, options);',
        to: `return await store.client.send(new TransactWriteItemsCommand(
          toTransaction(store.tables, version, changeSet, crypto.randomUUID())), options);`,
      },
    ],
  },
  {
    name: 'an interrupted raise not resumed',
    replacements: [
      {
        file: 'event/sequencer.ts',
        from: 'if (changes.length === 0) return null;',
        to: 'if (changes.length >= 0) return null;',
      },
    ],
  },
  {
    name: 'the idempotency key not guarded',
    replacements: [
      {
        file: 'store/commit.ts',
        from: "ConditionExpression: 'attribute_not_exists(registrationId) OR expiresAt <= :now',",
        to: "ConditionExpression: 'attribute_not_exists(registrationId) OR expiresAt > :now',",
      },
    ],
  },
  {
    name: 'commands that were put back not decided by themselves',
    replacements: [
      {
        file: 'event/queue.ts',
        from: 'if (isSecondTry && !each.isPutBack) return;',
        to: '',
      },
    ],
  },
  {
    name: 'the deadline not checked once a command was taken out of the queue',
    replacements: [
      {
        file: 'event/queue.ts',
        from: 'const isAlive = ({ expiresAt }: Pending) => expiresAt > now;',
        to: 'const isAlive = ({ expiresAt }: Pending) => expiresAt > 0 * now;',
      },
      {
        file: 'event/batch.ts',
        from: 'if (pending.expiresAt <= now) {',
        to: 'if (pending.expiresAt <= 0 * now) {',
      },
    ],
  },
  {
    name: 'the key of a call for many not used up before its rows',
    replacements: [
      {
        file: 'event/sequencer.ts',
        from: "? (this.#keys.replayOf(key) ?? (await this.#enqueue({ type: 'claim' }, expiresAt, key)))",
        to: "? await this.submit({ type: 'read' }, expiresAt)",
      },
    ],
  },
  {
    name: 'that there is no such event kept in memory for ever',
    replacements: [
      {
        file: 'event/memory.ts',
        from: 'this.#deps.now() + ABSENCE_MEMORY_MS;',
        to: 'Number.POSITIVE_INFINITY;',
      },
    ],
  },
  {
    name: 'a page that begins with the row that it follows',
    replacements: [
      {
        file: 'event/places.ts',
        from: 'if (Number(this.#orders[middle]) <= after) low = middle + 1;',
        to: 'if (Number(this.#orders[middle]) < after) low = middle + 1;',
      },
    ],
  },
  {
    name: 'the window not looked at when a command is decided',
    replacements: [
      {
        file: 'event/rules/registration.ts',
        from: 'const at = Date.parse(now);',
        to: 'const at = Date.parse(now) - 500;',
      },
    ],
  },
  {
    name: 'the second look of an erasure left out',
    replacements: [
      {
        file: 'http/erasure.ts',
        from: 'const look = await giveUpAll(c, userId, shown, deadline);',
        to: `const look = isLast
    ? { left: [], isCut: false }
    : await giveUpAll(c, userId, shown, deadline);`,
      },
    ],
  },
  {
    name: 'a revision that is not counted',
    replacements: [
      {
        file: 'event/rules/event.ts',
        from: 'revision: view.revision + (isChanged ? 1 : 0),',
        to: 'revision: view.revision,',
      },
    ],
  },
];
