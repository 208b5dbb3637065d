import { basename, dirname } from 'node:path';
import { CliError } from './terminal.ts';

/** Images of a DynamoDB; the first is taken where none is there yet. */
export const IMAGES = ['ghcr.io/nubo-db/dynoxide', 'amazon/dynamodb-local'] as const;

/** Container engines, with a command that fails where they don't run. */
export const ENGINES = [
  { name: 'docker', probe: ['version', '--format', '{{.Server.Version}}'] },
  { name: 'podman', probe: ['info'] },
];

/** A container engine that runs, and those of `IMAGES` that it has. */
export interface Engine {
  name: string;
  images: string[];
}

/** A database that can be started on this machine. */
export type Database =
  | { kind: 'program'; file: string }
  | { kind: 'container'; engine: string; image: string };

/** No database can be had here; the message says how to get one. */
export class NoDatabaseError extends CliError {}

/** The command that brings a database, by platform. */
function commandFor(platform: string, arch: string): string {
  if (platform === 'linux' && arch === 'x64') return 'npm install --no-save @dynoxide/linux-x64';
  if (platform === 'darwin' || platform === 'linux') return 'brew install nubo-db/tap/dynoxide';
  return `docker pull ${IMAGES[0]}`;
}

/**
 * Chooses among what was found: a program before a container, an engine that has an image before one that
 * would have to fetch it.
 *
 * @throws NoDatabaseError with the command for the platform
 */
export function chooseDatabase(
  found: { program: string | undefined; engines: Engine[] },
  { platform, arch }: { platform: string; arch: string },
): Database {
  if (found.program !== undefined) return { kind: 'program', file: found.program };
  for (const image of IMAGES) {
    const engine = found.engines.find(({ images }) => images.includes(image))?.name;
    if (engine !== undefined) return { kind: 'container', engine, image };
  }
  const engine = found.engines[0]?.name;
  if (engine !== undefined) return { kind: 'container', engine, image: IMAGES[0] };
  throw new NoDatabaseError(
    `There is no DynamoDB to start here: run \`${commandFor(platform, arch)}\`, start Docker or Podman, or set DYNAMODB_ENDPOINT.`,
  );
}

/** What the engine is told: to run the image at a port of loopback, its data in a directory of ours or in memory. */
export function containerArguments(options: {
  image: string;
  port: number;
  name: string;
  /** `uid:gid` whose the files are to be; null: the engine's own choice. */
  user: string | null;
  dbPath: string | null;
}): string[] {
  const { image, port, name, user, dbPath } = options;
  const args = ['run', '--rm', '--name', name, '--publish', `127.0.0.1:${port}:8000`];
  if (dbPath !== null) {
    if (user !== null) args.push('--user', user);
    args.push('--volume', `${dirname(dbPath)}:/data`);
  }
  if (image === IMAGES[1]) {
    const kept = dbPath === null ? ['-inMemory'] : ['-dbPath', '/data'];
    return [...args, image, '-jar', 'DynamoDBLocal.jar', '-sharedDb', ...kept];
  }
  const kept = dbPath === null ? [] : ['--db-path', `/data/${basename(dbPath)}`];
  return [...args, image, 'serve', '--host', '0.0.0.0', '--port', '8000', ...kept];
}
