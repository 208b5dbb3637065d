export { default } from './app.ts';
export { EventObject } from './event/event-object.ts';
