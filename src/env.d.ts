import type { EventObject } from './object/event-object.ts';

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('./index.ts');
    }
    /** The bindings of wrangler.toml and the secrets. `config.ts` checks them. */
    interface Env {
      EVENTS: DurableObjectNamespace<EventObject>;
      /** The files that the pages and /docs load; missing where only the API is served. */
      ASSETS?: Fetcher;
      AWS_REGION: string;
      DYNAMODB_ENDPOINT?: string;
      AWS_ACCESS_KEY_ID: string;
      AWS_SECRET_ACCESS_KEY: string;
      AWS_SESSION_TOKEN?: string;
      USERS_TABLE?: string;
      EVENTS_TABLE?: string;
      REGISTRATIONS_TABLE?: string;
      WAITLIST_TABLE?: string;
      LOCATION_HINT?: string;
      /** Days for which the log of an event is kept; 30 when left out. */
      LOG_DAYS?: string;
      /** How long before the end of an offer its user is reminded, in seconds; never when left out. */
      OFFER_REMINDER_SECONDS?: string;
      /** Left out, as at the top of wrangler.toml: every call is a 503 that says so. */
      ENVIRONMENT: string;
      AUTH_MODE: string;
      ALLOW_UNAUTHENTICATED?: string;
      JWT_ISSUER?: string;
      JWT_AUDIENCE?: string;
      JWT_JWKS_URL?: string;
      JWT_ROLES_CLAIM?: string;
      JWT_CLOCK_TOLERANCE_SECONDS?: string;
      API_KEYS?: string;
      /** What links are signed with: one secret, or two with a comma while they are rotated. */
      LINK_SECRET?: string;
      /** The origin that links lead to; the host of the call when left out. */
      PUBLIC_URL?: string;
      /** JSON of the endpoints that are told of changes; none when left out. */
      WEBHOOKS?: string;
      /** Names of the endpoints whose messages have a link, separated by commas; none when left out. */
      LINK_IN_WEBHOOKS?: string;
      /** Origins whose pages may call, and embed ours, separated by commas; none when left out. */
      CORS_ORIGINS?: string;
      /** `yes` writes a line into the log for each request. */
      LOG_REQUESTS?: string;
      /** The limits of calls from one address, and of one caller. Not bound: no limit. */
      ADDRESS_LIMIT?: RateLimit;
      CALLER_LIMIT?: RateLimit;
      /** The dataset for metrics (`metrics.ts`). Not bound: no metrics. */
      METRICS?: AnalyticsEngineDataset;
    }
  }
  interface Env extends Cloudflare.Env {}
}
