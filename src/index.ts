export { default } from './http/app.ts';
export { EventObject } from './object/event-object.ts';
export { Outbox } from './outbox/entrypoint.ts';
