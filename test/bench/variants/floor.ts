import { DurableObject } from 'cloudflare:workers';

/** A call of the database, ready to be sent. */
export interface ReadyCall {
  headers: Record<string, string>;
  body: string;
}

/** The cost of the platform alone: read a body, call an object, call a database, without any of our code. */
export class EventObject extends DurableObject<Env> {
  async execute({ headers, body }: ReadyCall): Promise<number> {
    const endpoint = this.env.DYNAMODB_ENDPOINT ?? '';
    const answer = await fetch(endpoint, { method: 'POST', headers, body });
    await answer.text();
    return answer.status;
  }
}

export default {
  async fetch(request, env) {
    if (request.method === 'GET') return new Response('ready');
    const call = await request.json<ReadyCall>();
    const object = env.EVENTS.getByName('floor') as unknown as DurableObjectStub<EventObject>;
    return Response.json({}, { status: await object.execute(call) });
  },
} satisfies ExportedHandler<Env>;
