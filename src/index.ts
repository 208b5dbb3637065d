import app from './http/app.ts';
import { wakeOverdue } from './overdue.ts';

export { EventObject } from './object/event-object.ts';
export { Outbox } from './outbox/entrypoint.ts';

export default {
  fetch: app.fetch,
  scheduled: (_, env) => wakeOverdue(env),
} satisfies ExportedHandler<Env>;
