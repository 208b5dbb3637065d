// The clock first: the product may look at it while it is loaded.
import './clocks.js';

export { default, EventObject, Outbox } from './bundle.js';
