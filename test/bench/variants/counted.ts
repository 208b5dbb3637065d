import type { Command } from '../../../src/event/command.ts';
import type { Reply } from '../../../src/event/queue.ts';
import app from '../../../src/http/app.ts';
import { EventObject as Product } from '../../../src/object/event-object.ts';
import { sleep } from '../../../src/sleep.ts';

/** The product, with an object that counts the reads that reach it, and is `FAR_MS` away from whoever reads. */
export class EventObject extends Product {
  #reads = 0;

  override async execute(...args: Parameters<Product['execute']>): Promise<Reply> {
    const [command]: [Command, ...unknown[]] = args;
    if (command.type !== 'read') return super.execute(...args);
    this.#reads++;
    const { FAR_MS } = this.env as Env & { FAR_MS?: string };
    if (FAR_MS) await sleep(Number(FAR_MS));
    return super.execute(...args);
  }

  /** How many reads it has got so far. */
  reads(): number {
    return this.#reads;
  }
}

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/reads') return app.fetch(request, env, ctx);
    const events = env.EVENTS as unknown as DurableObjectNamespace<EventObject>;
    const reads = await events.getByName(searchParams.get('eventId') ?? '').reads();
    return Response.json({ reads });
  },
} satisfies ExportedHandler<Env>;
