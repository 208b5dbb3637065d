import type { Mutation } from './mutations.ts';

/** Defects of what watchers are told. */
export const LIVE_MUTATIONS: Mutation[] = [
  {
    name: 'watchers told before the commit',
    replacements: [
      {
        file: 'event/commits.ts',
        from: `  const result = await ports.commit(state.version, draft);
  if (result.type === 'committed') memory.apply(state, draft, state.version + 1);`,
        to: `  const { version } = state;
  memory.apply(state, draft, version + 1);
  const result = await ports.commit(version, draft);
  if (result.type !== 'committed') memory.forget({ inDoubt: result.type === 'uncertain' });`,
      },
      // What endpoints are told is held back: those who watch must find it.
      {
        file: 'object/event-object.ts',
        from: `        this.#deliveries.kick();
        this.#sockets.changed();`,
        to: `        setTimeout(() => this.#deliveries.kick(), 300);
        this.#sockets.changed();`,
      },
    ],
  },
  {
    name: 'sockets from before the object slept forgotten',
    replacements: [
      {
        file: 'object/sockets.ts',
        from: '.filter(({ readyState }) => readyState === WebSocket.READY_STATE_OPEN);',
        to: `.filter((each) => each.readyState === WebSocket.READY_STATE_OPEN && this.#kept.has(each));`,
      },
    ],
  },
  {
    name: 'the place of one watcher told to another',
    replacements: [
      {
        file: 'object/sockets.ts',
        from: 'return { occupancy, place: (userId) => this.#placeOf(userId) };',
        to: `let place: Place | null = null;
    return { occupancy, place: (userId) => (place ??= this.#placeOf(userId)) };`,
      },
    ],
  },
  {
    name: 'nobody told after a load',
    replacements: [
      {
        file: 'event/memory.ts',
        from: `      this.#keep(state);
      return state;`,
        to: `      this.#state = state.event ? state : null;
      this.#absentUntil = state.event ? 0 : this.#deps.now() + ABSENCE_MEMORY_MS;
      return state;`,
      },
    ],
  },
];
