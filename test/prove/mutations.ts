import { LIVE_MUTATIONS } from './live-mutations.ts';
import { WEBHOOK_MUTATIONS } from './webhook-mutations.ts';

/** A text of the source, which must occur once, and what it is replaced with. */
export interface Replacement {
  /** Below `src`. */
  file: string;
  from: string;
  to: string;
}

/** A defect that is put in on purpose, to see whether the campaign finds it. */
export interface Mutation {
  name: string;
  replacements: Replacement[];
}

/** The defects that the campaign must find. Each is a mistake that such systems have in practice. */
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
        from: 'const next = advance(this.#open, batch);',
        to: `batch.decided.forEach(({ pending, outcome }) => pending.settle(outcome));
        const next = advance(this.#open, batch);`,
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
      {
        file: 'store/reading.ts',
        from: 'toDigest(seatRows.digest ^ line.digest) === item.digest;',
        to: 'true;',
      },
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
        file: 'event/memory.ts',
        from: "if (count > 0) this.#deps.log('promotions resumed', { count });",
        to: 'if (state.event) state.event = { ...state.event, capacity: state.event.capacity - count };',
      },
    ],
  },
  {
    name: 'a newcomer who gets a seat that a raise owes to the line',
    replacements: [
      {
        file: 'event/rules/registration.ts',
        from: 'if (isFree && (isLineOver || view.waitlistCount === 0)) {',
        to: 'if (isFree) {',
      },
    ],
  },
  {
    name: 'a raise that is answered before its last seat is given',
    replacements: [
      {
        file: 'event/open-updates.ts',
        from: 'left === 0 || isNothingOwed;',
        to: 'left >= 0 || isNothingOwed;',
      },
    ],
  },
  {
    name: 'a raise that tells of a seat which somebody else gave up',
    replacements: [
      {
        file: 'event/open-updates.ts',
        from: 'const rest = [...given];',
        to: "const rest = draft.changes.filter(({ type }) => type === 'promoted').reverse();",
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
    name: 'the key of a bulk call not used up before its rows',
    replacements: [
      {
        file: 'event/sequencer.ts',
        from: '? (this.#keys.replayOf(key, claim) ?? (await this.#enqueue(claim, expiresAt, key)))',
        to: "? await this.submit({ type: 'read' }, expiresAt)",
      },
    ],
  },
  {
    name: 'the absence of an event kept in memory for ever',
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
    name: 'the window not checked when a command is decided',
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
    name: 'a place that an erasure gave up told as any other',
    replacements: [
      {
        file: 'event/rules/giving-up.ts',
        from: "changes: [{ type: 'unregistered', registration, erased: true }, ...others],",
        to: "changes: [{ type: 'unregistered', registration }, ...others],",
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
  {
    name: "the log's entry written beside the transaction",
    replacements: [
      {
        file: 'store/commit.ts',
        from: 'actions.push({ Put: { TableName: tables.registrations, Item } });',
        to: 'if (!Item) actions.push({ Put: { TableName: tables.registrations, Item } });',
      },
      {
        file: 'store/commit.ts',
        from: "return { type: 'committed', ...effort };",
        to: `if (changeSet.entry && changeSet.event) {
          const Item = toLogItem(changeSet.event.eventId, changeSet.entry);
          const put = { Put: { TableName: store.tables.registrations, Item } };
          const beside = new TransactWriteItemsCommand({ TransactItems: [put] });
          await callTables((options) => store.client.send(beside, options), {
            deadline: Date.now() + COMMIT_DEADLINE_MS,
            timeoutMs: ATTEMPT_TIMEOUT_MS,
          }).catch(() => {});
        }
        return { type: 'committed', ...effort };`,
      },
    ],
  },
  {
    name: "the log's end not taken over after a commit",
    replacements: [
      {
        file: 'event/commits.ts',
        from: 'memory.apply(state, draft, state.version + 1);',
        to: 'memory.apply(state, { changes: draft.changes, books: { ...draft.books, log: state.log } }, state.version + 1);',
      },
    ],
  },
  {
    name: "the log's end kept in memory when the fence was lost",
    replacements: [
      {
        file: 'event/memory.ts',
        from: '#drops = 0;',
        to: "#drops = 0;\n  #log: EventState['log'] = null;",
      },
      {
        file: 'event/memory.ts',
        from: 'state.applyCommit(changes, version, books);',
        to: 'state.applyCommit(changes, version, books);\n    this.#log = books.log;',
      },
      {
        file: 'event/memory.ts',
        from: 'this.#isInDoubt = false;',
        to: 'this.#isInDoubt = false;\n      state.log = this.#log ?? state.log;',
      },
    ],
  },
  {
    name: 'what one commit did and undid left out of the log',
    replacements: [
      {
        file: 'event/change-set.ts',
        from: 'const changes = this.changes.map(toLogChange);',
        to: `const changes = this.changes
      .filter((change) => {
        const rows = rowChanges(change);
        return rows.length === 0 || rows.some(({ id }) => this.#net.has(id));
      })
      .map(toLogChange);`,
      },
    ],
  },
  {
    name: 'a replay that gives no receipt',
    replacements: [
      {
        file: 'event/commits.ts',
        from: 'if (record && changes.length > 0) record.receipt = receipt;',
        to: 'if (record && changes.length > items) record.receipt = receipt;',
      },
    ],
  },
  {
    name: 'a replay that gives a fresh receipt',
    replacements: [
      {
        file: 'event/sequencer.ts',
        from: 'const reply = replay(record, pending.key, pending.command);',
        to: `const fresh = { ...record, receipt: record.receipt && result.receipt };
            const reply = replay(fresh, pending.key, pending.command);`,
      },
    ],
  },
  {
    name: 'a page of the log that passes over a version',
    replacements: [
      {
        file: 'store/log.ts',
        from: 'last += count;',
        to: 'last += count + 1;',
      },
    ],
  },
  {
    name: 'an offer taken after its end',
    replacements: [
      {
        file: 'event/batch.ts',
        from: 'given.length === 0 && isDue(state, now);',
        to: 'given.length === 0 && isDue(state, now - 400);',
      },
      {
        file: 'event/batch.ts',
        from: 'return overOfferOf(draft, draft.event, userId, circumstances.now)',
        to: "return overOfferOf(draft, draft.event, userId, '')",
      },
    ],
  },
  {
    name: 'an expiry that offers to nobody',
    replacements: [
      {
        file: 'event/rules/offer.ts',
        from: 'return { changes: [...ended, ...changes],',
        to: 'return { changes: changes.length < 0 ? changes : ended,',
      },
    ],
  },
  {
    name: 'the end of the line not looked at when seats are filled',
    replacements: [
      {
        file: 'event/rules/seating.ts',
        from: 'if (lineEndsAt(event) <= nowMs) return 0;',
        to: '',
      },
    ],
  },
  {
    name: 'an offer that outlasts the line',
    replacements: [
      {
        file: 'event/rules/offer.ts',
        from: 'const isLineOver = lineEndsAt(event) <= nowMs;',
        to: "const isLineOver = event.status === 'CANCELLED';",
      },
    ],
  },
  {
    name: 'an entry in line after the end of the line',
    replacements: [
      {
        file: 'event/rules/registration.ts',
        from: "if (isLineOver) return refuse('line-ended');",
        to: '',
      },
    ],
  },
  {
    name: 'an offer that lasts past the end of the line, by the log',
    replacements: [
      {
        file: 'event/rules/seating.ts',
        from: "changes.push({ type: 'offered', entry, offer, expiresAt: shown.expiresAt });",
        to: "changes.push({ type: 'offered', entry, offer, expiresAt: offer.expiresAt });",
      },
    ],
  },
  {
    name: 'an offered seat taken for a free one',
    replacements: [
      {
        file: 'event/rules/registration.ts',
        from: 'const isFree = takenSeats(view) < event.capacity;',
        to: 'const isFree = view.registeredCount < event.capacity;',
      },
    ],
  },
  ...LIVE_MUTATIONS,
  ...WEBHOOK_MUTATIONS,
];
