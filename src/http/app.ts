import { Hono } from 'hono';
import type { ApplyGlobalResponse } from 'hono/client';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import {
  AppError,
  ConfigurationError,
  InternalError,
  MethodNotAllowedError,
  NotFoundError,
  type Problem,
  UnavailableError,
  ValidationError,
} from '../errors.ts';
import { isLoopback } from '../loopback.ts';
import { MissingIndexError, StoreUnavailableError } from '../store/client.ts';
import { countCalls, countPreflights, guard } from './guard.ts';
import { crossOrigin, readableUrl, secureHeaders } from './headers.ts';
import { toResponse } from './problems.ts';
import { logRequest } from './request-log.ts';
import { docs } from './routes/docs.ts';
import { events } from './routes/events.ts';
import { health } from './routes/health.ts';
import { links } from './routes/links.ts';
import { live } from './routes/live.ts';
import { pages } from './routes/pages.ts';
import { registrations, waitlist } from './routes/registrations.ts';
import { users } from './routes/users.ts';
import { webhooks } from './routes/webhooks.ts';

/** The `AppError` for an error of the platform, the store or a library; null for a defect. */
function toAppError(error: Error): AppError | null {
  if (error instanceof AppError) return error;
  // Thrown by hono's JSON validator, and by nothing else.
  if (error instanceof HTTPException && error.status === 400) {
    return new ValidationError([{ path: '', message: 'the body is malformed JSON' }]);
  }
  if (error instanceof StoreUnavailableError) {
    const doubt = error.isUncertain ? ' The change may or may not have been made.' : '';
    return new UnavailableError(`The tables cannot be reached.${doubt}`);
  }
  if (error instanceof MissingIndexError) {
    return new UnavailableError(
      `The ${error.table} table has no index by user yet: an operator adds it with \`npm run tables\`. Nothing was changed.`,
    );
  }
  // The platform moved, updated or reset the object, or found it overloaded.
  const platform = error as {
    retryable?: boolean;
    overloaded?: boolean;
    durableObjectReset?: boolean;
  };
  if (platform.retryable || platform.overloaded || platform.durableObjectReset) {
    return new UnavailableError(
      'The event was interrupted: a change may or may not have been made, and asking again tells.',
    );
  }
  return null;
}

const app = new Hono<{ Bindings: Env; Variables: RequestIdVariables }>();

app.use(requestId());
app.use(logRequest);
app.use(secureHeaders);
// Every request counts towards a limit. Preflights are counted before `crossOrigin`, which answers them. Other
// calls are counted after it, so that a page can read the 429.
app.use(countPreflights);
app.use(crossOrigin);
app.use(countCalls);
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      toResponse(c, new MethodNotAllowedError(c.req.method, c.req.path, methods)),
  }),
);
app.use(readableUrl);
app.use(guard);

app.onError((error, c) => {
  let known = toAppError(error);
  if (known instanceof ConfigurationError && isLoopback(new URL(c.req.url).hostname)) {
    known = known.forThisMachine();
  }
  if (!known || known.status === 500) {
    // biome-ignore lint/suspicious/noConsole: the platform's log
    console.error(
      JSON.stringify({
        requestId: c.get('requestId'),
        method: c.req.method,
        path: c.req.path,
        error: String(error),
        stack: error.stack,
      }),
    );
  }
  if (error instanceof StoreUnavailableError || error instanceof MissingIndexError) {
    // The cause is for the log only: DynamoDB's message can name accounts and permissions.
    const told = { problem: 'tables unreachable', requestId: c.get('requestId') };
    // biome-ignore lint/suspicious/noConsole: the platform's log
    console.error(JSON.stringify({ ...told, cause: error.message }));
  }
  return toResponse(
    c,
    known ??
      new InternalError(`Something went wrong; request ${c.get('requestId')} is in the log.`),
  );
});
app.notFound((c) => toResponse(c, new NotFoundError(`There is no ${c.req.path}.`)));

app.route('/', docs);
app.route('/', pages);

const routes = app
  .route('/health', health)
  .route('/registration/users', users)
  .route('/registration/links', links)
  .route('/registration/events', events)
  .route('/registration/events', webhooks)
  .route('/registration/events', live)
  .route('/registration/registrations', registrations)
  .route('/registration/waitlist', waitlist);

/** The types of the routes and of all error answers, for `hono/client`. */
export type AppType = ApplyGlobalResponse<
  typeof routes,
  Record<
    400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 426 | 429 | 500 | 503,
    { json: Problem }
  >
>;

export default routes;
