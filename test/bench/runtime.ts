import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/cli/ports.ts';
import { type ManagedProcess, startProcess } from '../../src/cli/processes.ts';
import { ROOT } from './build.ts';

const START_TIMEOUT_MS = 15_000;
const POLL_MS = 2;

/** A server: a worker under workerd, or a peer. */
export interface Server {
  url: string;
  pid: number;
  /** Address of the inspector, if it is on. */
  inspector?: string;
  /** Time from the start of the process to the first answer. */
  startMs: number;
  stop(): Promise<void>;
}

/** The path of workerd: in its package, the program is beside its launcher. */
function findWorkerd(): string {
  return createRequire(import.meta.url).resolve('workerd/bin/workerd');
}

function compatibilityDate(): string {
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const date = /^compatibility_date = "(.+)"$/m.exec(toml)?.[1];
  if (!date) throw new Error('wrangler.toml has no compatibility_date');
  return date;
}

/** A second isolate of the worker, and the cache of the place that the two are in. */
export interface Neighbour {
  /** Where the second isolate answers. */
  port: number;
  /** The name of the module of the cache, beside the worker. */
  cache: string;
}

/** What makes a place of a worker: its cache, and a neighbour that has the same objects. */
function toPlace({ port, cache }: Neighbour, modules: string, bindings: string[]) {
  const own = bindings.filter((each) => !each.includes('durableObjectNamespace'));
  own.push(
    '( name = "EVENTS", durableObjectNamespace = ( className = "EventObject", serviceName = "main" ) )',
  );
  return {
    services: '( name = "neighbour", worker = .neighbour ), ( name = "cache", worker = .cache ),',
    sockets: `, ( name = "other", address = "127.0.0.1:${port}", http = (), service = "neighbour" )`,
    setting: 'cacheApiOutbound = "cache",',
    workers: `const neighbour :Workerd.Worker = (
  ${modules}
  cacheApiOutbound = "cache",
  bindings = [ ${own.join(', ')} ],
);
const cache :Workerd.Worker = (
  modules = [ ( name = "cache", esModule = embed ${JSON.stringify(cache)} ) ],
  compatibilityDate = ${JSON.stringify(compatibilityDate())},
);`,
  };
}

/** The configuration: one worker, objects without disk storage, and the loopback network. */
function toCapnp(
  script: string,
  port: number,
  vars: Record<string, string>,
  neighbour?: Neighbour,
): string {
  const bindings = Object.entries(vars).map(
    ([name, value]) => `( name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)} )`,
  );
  bindings.push('( name = "EVENTS", durableObjectNamespace = "EventObject" )');
  const modules = `modules = [ ( name = "worker", esModule = embed ${JSON.stringify(basename(script))} ) ],
  compatibilityDate = ${JSON.stringify(compatibilityDate())},`;
  const place = neighbour && toPlace(neighbour, modules, bindings);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ( name = "main", worker = .worker ),
    ( name = "internet", network = ( allow = [ "local", "public" ] ) ),
    ${place?.services ?? ''}
  ],
  sockets = [
    ( name = "http", address = "127.0.0.1:${port}", http = (), service = "main" )
    ${place?.sockets ?? ''}
  ],
);
const worker :Workerd.Worker = (
  ${modules}
  ${place?.setting ?? ''}
  durableObjectNamespaces = [
    ( className = "EventObject", uniqueKey = "EventObject", enableSql = true )
  ],
  durableObjectStorage = ( inMemory = void ),
  bindings = [ ${bindings.join(', ')} ],
);
${place?.workers ?? ''}
`;
}

/**
 * Serves a built worker with workerd itself on 127.0.0.1 and waits for its first answer.
 *
 * @param options.vars the worker's variables and secrets
 * @param options.inspect whether to open the inspector, which makes it slightly slower
 * @param options.neighbour a second isolate beside it, and their cache
 */
export async function serve(options: {
  script: string;
  vars: Record<string, string>;
  inspect?: boolean;
  neighbour?: Neighbour | undefined;
}): Promise<Server> {
  const { script, vars, inspect = false, neighbour } = options;
  const port = await freePort();
  const inspectorPort = inspect ? await freePort() : undefined;
  const config = join(dirname(script), `${port}.capnp`);
  writeFileSync(config, toCapnp(script, port, vars, neighbour));
  const args = ['serve', config];
  if (inspectorPort) args.push(`--inspector-addr=127.0.0.1:${inspectorPort}`);
  const started = performance.now();
  const managed: ManagedProcess = startProcess(findWorkerd(), args, {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const server = await whenUp(managed, `http://127.0.0.1:${port}`, started);
  return inspectorPort ? { ...server, inspector: `127.0.0.1:${inspectorPort}` } : server;
}

/**
 * Waits for the first answer of a server.
 *
 * @param started when its process was started, in milliseconds of `performance.now()`
 */
export async function whenUp(
  managed: ManagedProcess,
  url: string,
  started: number,
): Promise<Server> {
  let death: string | undefined;
  managed.ended.then((how) => {
    death = how;
  });
  while (!(await answers(url))) {
    if (death !== undefined || performance.now() - started > START_TIMEOUT_MS) {
      await managed.stop();
      throw new Error(`${url} does not answer (${death ?? 'too slow'})`);
    }
    await sleep(POLL_MS);
  }
  const startMs = performance.now() - started;
  const { pid } = managed.child;
  if (pid === undefined) throw new Error(`the server of ${url} has no process id`);
  return { url, pid, startMs, stop: () => managed.stop() };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
