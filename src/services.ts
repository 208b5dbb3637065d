import { waitUntil } from 'cloudflare:workers';
import { type Authenticate, openAuthentication } from './auth/authenticate.ts';
import { openPseudonyms, type Pseudonym } from './auth/pseudonym.ts';
import { type Config, readConfig } from './config.ts';
import { openStore, type Store } from './store/client.ts';
import { KnownUsers } from './store/directory.ts';
import { probeTables, Readiness, type Report } from './store/probe.ts';

/** What the routes and the objects of an isolate share. */
export interface Services {
  config: Config;
  store: Store;
  /** Null when nobody has to say who they are. */
  authenticate: Authenticate | null;
  /** How callers are called in the log. */
  pseudonym: Pseudonym;
  knownUsers: KnownUsers;
  readiness: Readiness;
}

/** Into the log, since what it says is not for everybody who may ask whether we are ready. */
const reportFault: Report = (fault) =>
  // biome-ignore lint/suspicious/noConsole: the platform's log
  console.error(JSON.stringify({ problem: 'not ready', ...fault }));

/** Kept per environment, which lives as long as the isolate: checking and opening cost once. */
const opened = new WeakMap<Env, Services>();

/** @throws ConfigurationError when a setting is missing or impossible */
export function servicesOf(env: Env): Services {
  let services = opened.get(env);
  if (!services) {
    const config = readConfig(env);
    const store = openStore(config);
    services = {
      config,
      store,
      authenticate: openAuthentication(config.auth),
      // Nothing more to configure. A new secret gives people new pseudonyms.
      pseudonym: openPseudonyms(config.credentials.secretAccessKey),
      knownUsers: new KnownUsers(),
      readiness: new Readiness(() => probeTables(store, reportFault), waitUntil),
    };
    opened.set(env, services);
  }
  return services;
}
