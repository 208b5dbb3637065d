import unsafe from 'workerd:unsafe';
import app, { EventObject as Product } from './worker.js';

export { Outbox } from './worker.js';

/** The object of the product, which can be interrupted from outside. */
export class EventObject extends Product {
  /** As a code update or a move does: all work under way fails, and the next call gets a new object. */
  interrupt() {
    this.ctx.abort('interrupted by the campaign');
  }
}

/** The bundled product, with two more routes that end the object of an event. */
export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith('/prove/')) return app.fetch(request, env, ctx);
    const stub = env.EVENTS.getByName(searchParams.get('eventId'));
    try {
      if (pathname === '/prove/interrupt') await stub.interrupt();
      // As the platform does with an object that has been idle for a while: its sockets stay.
      else await unsafe.evict(stub, { webSockets: 'hibernate' });
      return new Response('done');
    } catch (error) {
      return new Response(String(error));
    }
  },
};
