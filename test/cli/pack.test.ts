import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const project = mkdtempSync(join(tmpdir(), 'registration-desk-'));
const installed = join(project, 'node_modules/registration-desk');

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** A program that has only the package. */
const PROGRAM = `import { type AppType, hc } from 'registration-desk/client';
import { watch, type LiveState } from 'registration-desk/live';

const client = hc<AppType>('http://desk.test', {
  fetch: async (input: RequestInfo | URL) => {
    console.log(String(input));
    return Response.json({ status: 'NONE', registration: null, waitlistEntry: null, ahead: null });
  },
});
const query = { userId: 'ada', eventId: 'gala' };
const asked = await client.registration.registrations.$get({ query });
if (asked.status === 200) {
  const standing = await asked.json();
  const position: number | null = standing.waitlistEntry?.position ?? null;
  if (standing.status === 'ACTIVE') standing.registration.registrationId.length;
  console.log(standing.status, position);
} else {
  const { title, detail }: { title: string; detail: string } = await asked.json();
  throw new Error(title + detail);
}
const states: LiveState[] = [];
const watching = watch({
  url: 'http://127.0.0.1:9',
  eventId: 'gala',
  userId: 'ada',
  onOccupancy: ({ availableCapacity }) => availableCapacity.toFixed(),
  onPlace: (place) => void (place.status === 'WAITLISTED' && place.ahead.toFixed()),
  onState: (state) => void states.push(state),
});
watching.close();
console.log(states.join());
// @ts-expect-error a capacity is a number
void (() => client.registration.events.$post({ json: { name: 'x', capacity: '2' } }));
`;

/** The strictest compiler options, with the types of a browser or Node, without those of the service's platform. */
const SETTINGS = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['main.ts'],
};

test('the package, installed elsewhere, is a typed client that compiles and runs', {
  timeout: 120_000,
}, () => {
  const pack = ['pack', '--silent', '--pack-destination', project];
  const tarball = execFileSync('npm', pack, { cwd: ROOT }).toString().trim();
  // Copied by hand: an install would fetch all dependencies of the worker, but the client only needs hono.
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', join(project, tarball), '-C', installed, '--strip-components=1']);
  symlinkSync(join(ROOT, 'node_modules/hono'), join(project, 'node_modules/hono'));
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);

  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(SETTINGS));
  writeFileSync(join(project, 'main.ts'), PROGRAM);
  const compiled = execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]).toString();
  expect(compiled).toBe('');
  expect(execFileSync(process.execPath, [join(project, 'main.ts')]).toString()).toBe(
    'http://desk.test/registration/registrations?userId=ada&eventId=gala\nNONE null\nconnecting,closed\n',
  );
});
