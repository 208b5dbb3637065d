import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type ManagedProcess, startProcess } from '../../src/cli/processes.ts';
import type { Build } from './build.ts';

const START_TIMEOUT_MS = 20_000;

/** A worker served by workerd itself. */
export interface Worker {
  port: number;
  pid: number;
  /** What it wrote to its log, a line each. */
  log: string[];
  /** Kills it at once, as a power cut would. */
  kill(): Promise<void>;
}

/** Starts workerd with a build, and waits until it listens on a port of its own on 127.0.0.1. */
export async function startWorkerd(
  build: Build,
  options: {
    /** Names the file of its settings. */
    name: string;
    bindings: Record<string, string>;
    /** Whether the campaign's routes can end objects. */
    isInterruptible: boolean;
    /** The folder where the objects keep their alarms, also for a worker that is started later; else in memory. */
    objects?: string | null;
    /** Whether the binding `ALARMS` tells how bad alarms are. */
    hasBadAlarms?: boolean;
    /** How far its clock is ahead, in milliseconds. */
    clockMs?: number;
  },
): Promise<Worker> {
  const config = join(build.directory, `${options.name}.capnp`);
  writeFileSync(config, toConfig(build, options));
  if (options.objects) mkdirSync(options.objects, { recursive: true });
  const args = ['serve', config, '--control-fd=3'];
  if (options.isInterruptible) args.push('--experimental');
  const managed = startProcess(findWorkerd(), args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const log: string[] = [];
  const { stdout, stderr, stdio } = managed.child;
  for (const stream of [stdout, stderr]) {
    if (stream) createInterface({ input: stream }).on('line', (line) => log.push(line));
  }
  const port = await portOf(managed, stdio[3] as Readable, log);
  return {
    port,
    pid: managed.child.pid ?? 0,
    log,
    async kill() {
      managed.child.kill('SIGKILL');
      await managed.ended;
      await managed.stop();
    },
  };
}

/** Reads the port that workerd got from its control pipe. */
function portOf(managed: ManagedProcess, control: Readable, log: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = async (how: string) => {
      await managed.stop();
      reject(new Error(`workerd did not start (${how}): ${log.slice(-5).join(' / ')}`));
    };
    const timer = setTimeout(() => void fail('no port'), START_TIMEOUT_MS);
    void managed.ended.then(fail);
    createInterface({ input: control }).on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port: number };
      if (event !== 'listen') return;
      clearTimeout(timer);
      resolve(port);
    });
  });
}

function findWorkerd(): string {
  const wrangler = createRequire(import.meta.url).resolve('wrangler/package.json');
  const { default: path } = createRequire(wrangler)('workerd') as { default: string };
  return path;
}

function toConfig(
  build: Build,
  {
    bindings,
    isInterruptible,
    objects = null,
    hasBadAlarms = false,
    clockMs = 0,
  }: {
    bindings: Record<string, string>;
    isInterruptible: boolean;
    objects?: string | null;
    hasBadAlarms?: boolean;
    clockMs?: number;
  },
): string {
  // Each of these imports the next one by the name that it has here.
  const files = [
    ...(hasBadAlarms ? ['alarms.mjs'] : []),
    ...(clockMs === 0 ? [] : ['clocked.mjs']),
    'worker.js',
  ];
  const nameAfter: Record<string, string> = {
    'alarms.mjs': 'product.js',
    'clocked.mjs': 'bundle.js',
  };
  const layers = files.map((file, i) => [nameAfter[files[i - 1] ?? ''] ?? 'worker.js', file]);
  if (clockMs !== 0) layers.push(['clocks.js', 'clocks.mjs']);
  const modules = [
    ...(isInterruptible ? ['(name = "main.js", esModule = embed "interruptible.mjs")'] : []),
    ...layers.map(([name, file]) => `(name = "${name}", esModule = embed "${file}")`),
    `(name = "offset.js", esModule = "export default ${clockMs};")`,
  ];
  const texts = Object.entries(bindings).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "desk", worker = .desk),
    (name = "internet", network = (allow = ["local"])),
    ${objects === null ? '' : `(name = "objects", disk = (path = ${JSON.stringify(objects)}, writable = true)),`}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "desk")],
);
const desk :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "${build.compatibilityDate}",
  compatibilityFlags = [${isInterruptible ? '"unsafe_module"' : ''}],
  durableObjectNamespaces = [(className = "EventObject", uniqueKey = "events", enableSql = true)],
  durableObjectStorage = (${objects === null ? 'inMemory = void' : 'localDisk = "objects"'}),
  bindings = [
    (name = "EVENTS", durableObjectNamespace = "EventObject"),
    ${texts.join(',\n    ')}
  ],
);
`;
}
