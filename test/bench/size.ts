import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, withServer } from './bench.ts';
import { varsFor } from './database.ts';
import { serve } from './runtime.ts';
import { summarize } from './stats.ts';

const EMPTY = 'export default { fetch: () => new Response() };\nexport class EventObject {}\n';

/** The size of the bundle, and the time until the first answer of a process with it. */
export async function benchSize(bench: Bench): Promise<void> {
  const { figures, isQuick, bundles } = bench;
  say('Size and start');
  figures.add('bundle-kib', bundles.ours.gzipBytes / 1_024, 'KiB gzip');
  const directory = join(dirname(dirname(bundles.ours.script)), 'empty');
  mkdirSync(directory, { recursive: true });
  const script = join(directory, 'index.js');
  writeFileSync(script, EMPTY);
  const ours: number[] = [];
  const empty: number[] = [];
  for (let round = 0; round < (isQuick ? 5 : 15); round++) {
    const server = await serve({ script, vars: varsFor(bench.database.endpoint) });
    empty.push(server.startMs);
    await server.stop();
    await withServer(bench, 'ours', async ({ startMs }) => {
      ours.push(startMs);
    });
  }
  const start = summarize(ours);
  const note = `process to first answer, spread ±${(start.spread * 100).toFixed(0)} %`;
  figures.add('startup-ms', start.median, 'ms', note);
  figures.add('startup-empty-ms', summarize(empty).median, 'ms', 'the same without our code');
}
