import { readFileSync, writeFileSync } from 'node:fs';
import { SourceMap, type SourceMapping } from 'node:module';
import { dirname, join } from 'node:path';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, withServer } from './bench.ts';
import { build } from './build.ts';
import { registerMany } from './hot.ts';
import { inspect } from './inspector.ts';

const SAMPLE_US = 200;
const TOP = 45;

interface CallFrame {
  functionName: string;
  lineNumber: number;
  columnNumber: number;
  url: string;
}

interface Profile {
  nodes: { id: number; children?: number[]; callFrame: CallFrame }[];
  samples: number[];
  timeDeltas: number[];
}

/** The origin of a function in the bundle: a package, or a file of the project. */
function toOrigin(source: string | undefined): { group: string; file: string } {
  if (!source) return { group: '(runtime)', file: '' };
  const packaged = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(source);
  if (packaged) return { group: packaged[1] ?? '', file: packaged[2] ?? '' };
  const file = source.replace(/^(\.\.\/)+|^.*\/(?=src\/)/g, '');
  return { group: file, file };
}

/** Profiles the worker on one hot event, and prints how the time is spent. */
export async function benchProfile(bench: Bench): Promise<void> {
  const directory = join(dirname(dirname(bench.bundles.ours.script)), 'readable');
  // Not minified, to keep the names of functions.
  const readable = await build(directory, undefined, { minify: false });
  await withServer(
    bench,
    readable,
    async (server) => {
      await registerMany(server, { connections: 64, amount: 10_000 });
      const inspector = await inspect(server.inspector ?? '');
      await inspector.call('Profiler.enable');
      await inspector.call('Profiler.setSamplingInterval', { interval: SAMPLE_US });
      await inspector.call('Profiler.start');
      // Unknown users, as in the measured hot event.
      const load = await registerMany(server, {
        connections: 64,
        amount: 10_000,
        firstUser: 10_000,
      });
      const { profile } = await inspector.call<{ profile: Profile }>('Profiler.stop');
      inspector.close();
      const file = process.env.BENCH_PROFILE;
      if (file) writeFileSync(file, JSON.stringify(profile));
      show(profile, `${readable.script}.map`, load.requests);
    },
    { inspect: true },
  );
}

function originOf(map: SourceMap, { url, lineNumber, columnNumber }: CallFrame) {
  const entry = (url ? map.findEntry(lineNumber, columnNumber) : {}) as Partial<SourceMapping>;
  return { ...toOrigin(entry.originalSource), line: entry.originalLine };
}

function nameOf(map: SourceMap, frame: CallFrame): string {
  const { group, file, line } = originOf(map, frame);
  const place = group === file ? file : `${group} ${file}`;
  return `${frame.functionName || '(anonymous)'}  ${place}${line === undefined ? '' : `:${line + 1}`}`;
}

function show(profile: Profile, mapFile: string, requests: number): void {
  const map = new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8')));
  const selfUs = new Map<number, number>();
  profile.samples.forEach((id, i) => {
    selfUs.set(id, (selfUs.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  const byFunction = new Map<string, number>();
  const byGroup = new Map<string, number>();
  let busy = 0;
  for (const { id, callFrame } of profile.nodes) {
    const us = selfUs.get(id) ?? 0;
    const { functionName } = callFrame;
    if (us === 0 || functionName === '(idle)') continue;
    const { group } = originOf(map, callFrame);
    const owner = functionName.startsWith('(') ? functionName : group;
    const name = nameOf(map, callFrame);
    byFunction.set(name, (byFunction.get(name) ?? 0) + us);
    byGroup.set(owner, (byGroup.get(owner) ?? 0) + us);
    busy += us;
  }
  // Inclusive times of our own functions and of the SDK's steps: what removing one would save.
  const total = new Map<string, number>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = nodes.get(id);
    if (!node) return 0;
    const name = nameOf(map, node.callFrame);
    const below = new Set(above).add(name);
    let us = selfUs.get(id) ?? 0;
    for (const child of node.children ?? []) us += walk(child, below);
    if (!above.has(name)) total.set(name, (total.get(name) ?? 0) + us);
    return us;
  };
  walk(profile.nodes[0]?.id ?? 0, new Set());
  const list = (title: string, times: Map<string, number>, count: number) => {
    say(title);
    for (const [name, us] of [...times].sort((a, b) => b[1] - a[1]).slice(0, count)) {
      const share = ((us / busy) * 100).toFixed(1).padStart(5);
      say(`  ${share} %  ${(us / requests).toFixed(2).padStart(7)} us/request  ${name}`);
    }
  };
  say(`${(busy / requests).toFixed(0)} us busy a request`);
  list('By module', byGroup, TOP);
  list('By function, self time', byFunction, TOP);
  list('By function, with all that it calls', total, 2 * TOP);
}
