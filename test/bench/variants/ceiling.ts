import { hexDigestOf } from '../../../src/digest.ts';
import { Sequencer } from '../../../src/event/sequencer.ts';
import { EventState } from '../../../src/event/state.ts';
import app from '../../../src/http/app.ts';
import { EventObject as Product } from '../../../src/object/event-object.ts';
import { KnownUsers, UserDirectory } from '../../../src/store/directory.ts';

/**
 * The ceiling: the product's object with a store that answers at once, and knows every user. What
 * remains is the cost of HTTP, routing, calling the object and deciding.
 */
export class EventObject extends Product {
  protected override openEvent() {
    return {
      users: new UserDirectory(async (userIds) => new Set(userIds), new KnownUsers()),
      sequencer: new Sequencer({
        load: async () => new EventState(),
        commit: async () => ({ type: 'committed', attempts: 1 }),
        now: () => Date.now(),
        newId: () => crypto.randomUUID(),
        hash: hexDigestOf,
        logDays: 0,
        endpoints: [],
        log: () => {},
      }),
    };
  }
}

export default app;
