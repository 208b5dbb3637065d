import { waitUntil } from 'cloudflare:workers';
import { type Authenticate, openAuthentication } from './auth/authenticate.ts';
import { type Links, openLinks } from './auth/links.ts';
import { openPseudonyms, type Pseudonym } from './auth/pseudonym.ts';
import { type Config, readConfig } from './config.ts';
import { PlaceCache } from './near/place-cache.ts';
import { SharedReads } from './near/shared-reads.ts';
import { sleep } from './sleep.ts';
import { openStore, type Store } from './store/client.ts';
import { KnownUsers } from './store/directory.ts';
import { probeTables, Readiness, type Report } from './store/probe.ts';

/** What the routes and the objects of an isolate share. */
export interface Services {
  config: Config;
  store: Store;
  /** Null when authentication is off. */
  authenticate: Authenticate | null;
  /** Null where there are no links. */
  links: Links | null;
  /** Names callers in the log. */
  pseudonym: Pseudonym;
  knownUsers: KnownUsers;
  readiness: Readiness;
  reads: SharedReads;
}

/** Logs a fault of a table. The public answer does not have the cause. */
const reportFault: Report = (fault) =>
  // biome-ignore lint/suspicious/noConsole: the platform's log
  console.error(JSON.stringify({ problem: 'not ready', ...fault }));

/** Opens the reads that may be some seconds old. A cache that can't be used is logged once: nothing depends on it. */
function openReads({ region, endpoint, tables }: Config): SharedReads {
  let hasFailed = false;
  const onFailure = (cause: string) => {
    if (hasFailed) return;
    hasFailed = true;
    // biome-ignore lint/suspicious/noConsole: the platform's log
    console.warn(JSON.stringify({ problem: 'no cache in this place', cause }));
  };
  const scope = JSON.stringify([region, endpoint, tables.events]);
  const cache = new PlaceCache(() => caches.open('near'), scope, onFailure);
  return new SharedReads({
    cache,
    now: () => Date.now(),
    sleep,
    random: () => Math.random(),
    keepAlive: waitUntil,
  });
}

/** The services of each environment. It lives as long as the isolate, so they are opened only once. */
const opened = new WeakMap<Env, Services>();

/**
 * The services of an environment.
 *
 * @throws ConfigurationError when a setting is missing or impossible
 */
export function servicesOf(env: Env): Services {
  let services = opened.get(env);
  if (!services) {
    const config = readConfig(env);
    const store = openStore(config);
    const { linkSecrets } = config.auth;
    const links = linkSecrets ? openLinks(linkSecrets) : null;
    services = {
      config,
      store,
      authenticate: openAuthentication(config.auth, links),
      links,
      // No secret of their own: the pseudonyms change with the AWS secret.
      pseudonym: openPseudonyms(config.credentials.secretAccessKey),
      knownUsers: new KnownUsers(),
      readiness: new Readiness(() => probeTables(store, reportFault), waitUntil),
      reads: openReads(config),
    };
    opened.set(env, services);
  }
  return services;
}
