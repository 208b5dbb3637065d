import type { Call } from './calls/call.ts';
import { EVENT_CALLS } from './calls/events.ts';
import { PLACE_CALLS } from './calls/places.ts';
import { USER_CALLS } from './calls/users.ts';
import * as schemas from './schemas.ts';

export { type Call, TAGS } from './calls/call.ts';

/** Every call of the API, by method and path. */
export const CALLS: Record<string, Call> = {
  ...USER_CALLS,
  ...EVENT_CALLS,
  ...PLACE_CALLS,
  'GET /health': {
    id: 'getHealth',
    tag: 'Health',
    summary: 'Whether the process answers',
    description: 'Checks nothing else.',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
  'GET /health/ready': {
    id: 'getReadiness',
    tag: 'Health',
    summary: 'Whether the service is configured and the tables answer',
    description: 'The tables are asked once a second at most, however often this is called.',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
};
