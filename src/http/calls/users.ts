import * as z from 'zod';
import * as schemas from '../schemas.ts';
import { BODY_PROBLEMS, type Call, IDEMPOTENCY, KEY_PROBLEMS, REPLAYED } from './call.ts';

/** Without an example: `/docs` must not fill in whom to erase. */
const userToErase = z.object({
  userId: schemas.userParamSchema.shape.userId.meta({ param: {} }),
});

/** The calls with the tag `Users`. */
export const USER_CALLS: Record<string, Call> = {
  'POST /registration/users': {
    id: 'createUser',
    tag: 'Users',
    summary: 'Create a user',
    description:
      'The id never changes. The caller chooses it; it can be a name, an address or a number.',
    body: schemas.newUserSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.userSchema, headers: REPLAYED },
    problems: [...BODY_PROBLEMS, ...KEY_PROBLEMS],
  },
  'GET /registration/users/{userId}': {
    id: 'getUser',
    tag: 'Users',
    summary: 'Read a user',
    description: 'The user as it was created.',
    path: schemas.userParamSchema,
    success: { status: 200, schema: schemas.userSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/events': {
    id: 'listUserEvents',
    tag: 'Users',
    summary: 'The events in which a user has a seat, oldest registration first',
    description: 'Events in which the user only has a waitlist entry are not listed.',
    path: schemas.userParamSchema,
    query: schemas.userEventsPageSchema,
    success: {
      status: 200,
      schema: schemas.eventSchema.array(),
      headers: { Link: 'The next page, if there is one.' },
    },
    problems: [400, 404],
  },
  'PATCH /registration/users/{userId}': {
    id: 'renameUser',
    tag: 'Users',
    summary: 'Give a user another name',
    description: 'Lists show it from then on. The id stays.',
    path: schemas.userParamSchema,
    body: schemas.userPatchSchema,
    success: { status: 200, schema: schemas.userSchema },
    problems: [...BODY_PROBLEMS, 404],
  },
  'DELETE /registration/users/{userId}': {
    id: 'eraseUser',
    tag: 'Users',
    summary: 'Erase a user, in two calls',
    description:
      'The first call takes the name away and gives up all places. The same call after `finishAfter` ends it, and frees the id. It can be sent again at any time.',
    path: userToErase,
    success: { status: 200, orStatus: 202, schema: schemas.erasureSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/places': {
    id: 'listUserPlaces',
    tag: 'Users',
    summary: 'Where a user has a seat, an offer, or waits, oldest first',
    description: 'Never a place that was given up before. A new one can be missing for a moment.',
    path: schemas.userParamSchema,
    query: schemas.pageSchema,
    success: {
      status: 200,
      schema: schemas.userPlacePageSchema,
      headers: { Link: 'The next page, if there is one.' },
    },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/export': {
    id: 'exportUser',
    tag: 'Users',
    summary: 'What is held about a user, as one document',
    description: 'Its `notes` say what is not in it, and how long that stays.',
    path: schemas.userParamSchema,
    success: {
      status: 200,
      schema: schemas.userExportSchema,
      headers: { 'Content-Disposition': 'The name of a file.' },
    },
    problems: [400, 404],
  },
  'POST /registration/links': {
    id: 'createLink',
    tag: 'Users',
    summary: 'Make a personal address of the page',
    description:
      'Its token lets whoever opens it act as that attendee, and nothing else. 404 where AUTH_MODE does not have `link`.',
    body: schemas.newLinkSchema,
    success: { status: 201, schema: schemas.linkSchema },
    problems: [...BODY_PROBLEMS, 404],
  },
};
