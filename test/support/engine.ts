import { hexDigestOf } from '../../src/digest.ts';
import type { Command } from '../../src/event/command.ts';
import { Sequencer } from '../../src/event/sequencer.ts';
import type { Store } from '../../src/store/client.ts';
import { commit } from '../../src/store/commit.ts';
import { EventLoader } from '../../src/store/load.ts';

/** Opens the engine of an event, with nothing in memory. Its commands have a minute. */
export function openEngine(store: Store, eventId: string) {
  const loader = new EventLoader(store, eventId);
  const sequencer = new Sequencer({
    load: (options) => loader.load(options),
    commit: (version, changeSet) => commit(store, version, changeSet, crypto.randomUUID()),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    hash: hexDigestOf,
    logDays: 30,
    endpoints: [],
    log: () => {},
  });
  return (command: Command) => sequencer.submit(command, Date.now() + 60_000);
}
