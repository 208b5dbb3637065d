import app, { EventObject as Product } from './product.js';

export { Outbox } from './product.js';

/** A number from 0 to below 1 that follows from a text. */
function drawn(text) {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** How long after the first time an alarm goes off again, in milliseconds. */
const AGAIN_AFTER_MS = 30;

/** The object of the product, whose alarms are as bad as the campaign says. */
export class EventObject extends Product {
  #isTwice;

  constructor(ctx, env) {
    const { seed, lateMs, lost, twice } = JSON.parse(env.ALARMS);
    const { storage, id } = ctx;
    let drawings = 0;
    const happens = (share) => drawn(`${seed} ${id} ${++drawings}`) < share;
    const set = storage.setAlarm.bind(storage);
    const get = storage.getAlarm.bind(storage);
    // One that is lost is not there either when the object comes back.
    storage.setAlarm = (at) => (happens(lost) ? storage.deleteAlarm() : set(at + lateMs));
    storage.getAlarm = async () => {
      const at = await get();
      return at === null ? null : at - lateMs;
    };
    super(ctx, env);
    this.#isTwice = () => happens(twice);
  }

  async alarm() {
    await super.alarm();
    if (!this.#isTwice()) return;
    await scheduler.wait(AGAIN_AFTER_MS);
    await super.alarm();
  }
}

/** The bundled product, with one more route: for what the platform calls every hour. */
export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== '/hourly-look') return app.fetch(request, env, ctx);
    try {
      await app.scheduled({}, env, ctx);
      return new Response('done');
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};
