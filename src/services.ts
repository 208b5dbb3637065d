import { type Authenticate, openAuthentication } from './auth/authenticate.ts';
import { type Config, readConfig } from './config.ts';
import { openStore, type Store } from './store/client.ts';
import { KnownUsers } from './store/directory.ts';

/** What the routes and the objects of an isolate share. */
export interface Services {
  config: Config;
  store: Store;
  /** Null when nobody has to say who they are. */
  authenticate: Authenticate | null;
  knownUsers: KnownUsers;
}

/** Kept per environment, which lives as long as the isolate: checking and opening cost once. */
const opened = new WeakMap<Env, Services>();

/** @throws ConfigurationError when a setting is missing or impossible */
export function servicesOf(env: Env): Services {
  let services = opened.get(env);
  if (!services) {
    const config = readConfig(env);
    services = {
      config,
      store: openStore(config),
      authenticate: openAuthentication(config.auth),
      knownUsers: new KnownUsers(),
    };
    opened.set(env, services);
  }
  return services;
}
