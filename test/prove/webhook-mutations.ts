import type { Mutation } from './mutations.ts';

/** The defects of webhooks that the campaign must find. */
export const WEBHOOK_MUTATIONS: Mutation[] = [
  {
    name: 'a message reported as taken before its answer',
    replacements: [
      {
        file: 'outbox/deliver.ts',
        from: 'delivery.note(message, isFresh, await attempt(endpoint.url, headers, body, ports));',
        to: `delivery.note(message, isFresh, { type: 'taken' });
      await attempt(endpoint.url, headers, body, ports);`,
      },
    ],
  },
  {
    name: 'the pointer moved before the delivery',
    replacements: [
      {
        file: 'object/deliveries.ts',
        from: 'const report = await deliver(job);',
        to: `const passed = { ...job.pointer, version: job.head, index: 0 };
      await move(job.pointer, passed);
      const report = await deliver(job);`,
      },
      {
        file: 'object/deliveries.ts',
        from: 'const isRecorded = await move(job.pointer, report.pointer);',
        to: 'const isRecorded = await move(passed, report.pointer);',
      },
    ],
  },
  {
    name: 'the alarm set after the commit',
    replacements: [
      {
        file: 'object/open-sequencer.ts',
        from: 'if (arm && changeSet.dueAt !== null) {',
        to: 'if (arm && changeSet.dueAt !== null && version < 0) {',
      },
      {
        file: 'object/open-sequencer.ts',
        from: 'return send(version, changeSet);',
        to: `const result = await send(version, changeSet);
      if (arm && changeSet.dueAt !== null) await arm(changeSet.dueAt, version === 0);
      return result;`,
      },
    ],
  },
  {
    name: "an offer's deadline armed after the commit",
    replacements: [
      {
        file: 'object/open-sequencer.ts',
        from: 'if (arm && changeSet.dueAt !== null) {',
        to: 'if (arm && changeSet.dueAt !== null && told.endpoints.length > 0) {',
      },
      {
        file: 'object/open-sequencer.ts',
        from: 'return send(version, changeSet);',
        to: `const result = await send(version, changeSet);
      if (arm && changeSet.dueAt !== null) await arm(changeSet.dueAt);
      return result;`,
      },
    ],
  },
  {
    name: 'an hourly look that finds nothing overdue',
    replacements: [
      {
        file: 'overdue.ts',
        from: 'overdueEvents(store, Date.now() - OVERDUE_MS, after)',
        to: 'overdueEvents(store, OVERDUE_MS - Date.now(), after)',
      },
    ],
  },
  {
    name: 'no alarm set again by one that could do nothing',
    replacements: [
      {
        file: 'object/event-object.ts',
        from: `await this.#deliveries.settled();
    } finally {
      await this.#armAgain();
    }`,
        to: `await this.#deliveries.settled();
    } finally {
    }`,
      },
    ],
  },
  {
    name: 'the pointer moved past the queue',
    replacements: [
      {
        file: 'object/event-object.ts',
        from: "import { UserDirectory } from '../store/directory.ts';",
        to: `import { UserDirectory } from '../store/directory.ts';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { withPointer } from '../event/outbox.ts';`,
      },
      {
        file: 'object/event-object.ts',
        from: "(await this.#submitOwn({ type: 'movePointer', from, to })).type === 'pointerMoved',",
        to: `{
        const { state } = this.#sequencer;
        if (!state) return from.name !== to.name;
        const pointers = withPointer(state.pointers, to);
        Object.assign(state, { pointers });
        const dueAt = dueAtOf(state, this.#told, Date.now());
        const { store } = servicesOf(this.env);
        await store.client.send(new UpdateCommand({
          TableName: store.tables.events,
          Key: { eventId },
          UpdateExpression: 'SET outbox = :outbox, dueAt = :dueAt',
          ExpressionAttributeValues: { ':outbox': JSON.stringify(pointers), ':dueAt': dueAt },
        }));
        Object.assign(state, { dueAt });
        return true;
      },`,
      },
    ],
  },
  {
    name: 'a pointer moved over a replay',
    replacements: [
      {
        file: 'event/rules/outbox.ts',
        from: 'const isStale = current !== undefined && !isSame(current, from);',
        to: 'const isStale = current === undefined && !isSame(current, from);',
      },
    ],
  },
  {
    name: 'messages sent before the commit',
    replacements: [
      {
        file: 'object/open-sequencer.ts',
        from: "import { traced } from './tracing.ts';",
        to: `import { traced } from './tracing.ts';
import { env } from 'cloudflare:workers';
import { pointerAt } from '../event/outbox.ts';
import { deliver } from '../outbox/deliver.ts';
import { servicesOf } from '../services.ts';`,
      },
      {
        file: 'object/open-sequencer.ts',
        from: 'return send(version, changeSet);',
        to: `const { entry } = changeSet;
      for (const endpoint of entry ? servicesOf(env as Env).config.webhooks : []) {
        const pointer = pointerAt(endpoint.name, version);
        void deliver({ eventId, pointer, head: version + 1 }, endpoint, {
          fetch: (url, init) => fetch(url, init),
          now: () => Date.now(),
          random: () => Math.random(),
          linkFor: async () => null,
          isOffered: async () => true,
          readRange: async () => ({ entries: entry ? [entry] : [], next: null }),
          readVersions: async () => [],
          tell: () => {},
        });
      }
      return send(version, changeSet);`,
      },
    ],
  },
  {
    name: 'an id of its own for each attempt',
    replacements: [
      {
        file: 'outbox/deliver.ts',
        from: '? await messageId(data.eventId, { version, chain }, index, hexDigestOf)',
        to: '? await messageId(data.eventId, { version, chain: chain + now }, index, hexDigestOf)',
      },
    ],
  },
  {
    name: 'a redirection that is followed',
    replacements: [
      { file: 'outbox/attempt.ts', from: "redirect: 'manual'", to: "redirect: 'follow'" },
    ],
  },
];
