import unsafe from 'workerd:unsafe';
import app, { EventObject as Product } from './worker.js';

export { Outbox } from './worker.js';

/** The object of the product, which can be interrupted from outside. */
export class EventObject extends Product {
  /** What a code update or a move does: all that is under way fails, and the next call finds a new object. */
  interrupt() {
    this.ctx.abort('interrupted by the campaign');
  }
}

/** The product as it was bundled, with two routes more that end the object of an event. */
export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith('/prove/')) return app.fetch(request, env, ctx);
    const stub = env.EVENTS.getByName(searchParams.get('eventId'));
    try {
      if (pathname === '/prove/interrupt') await stub.interrupt();
      // What the platform does to an object that has been idle for a while.
      else await unsafe.evict(stub, {});
      return new Response('done');
    } catch (error) {
      return new Response(String(error));
    }
  },
};
