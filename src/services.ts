import { type Config, readConfig } from './config.ts';
import { openStore, type Store } from './store/client.ts';

/** What the routes work with. */
export interface Services {
  config: Config;
  store: Store;
}

/** Kept per environment, which lives as long as the isolate: checking and opening cost once. */
const opened = new WeakMap<Env, Services>();

/** @throws ConfigurationError when a setting is missing or impossible */
export function servicesOf(env: Env): Services {
  let services = opened.get(env);
  if (!services) {
    const config = readConfig(env);
    services = { config, store: openStore(config) };
    opened.set(env, services);
  }
  return services;
}
