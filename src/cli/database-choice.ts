import { basename, dirname } from 'node:path';
import { CliError } from './terminal.ts';

/** Container images of a DynamoDB. Where none is present, the first one is fetched. */
export const IMAGES = ['ghcr.io/nubo-db/dynoxide', 'amazon/dynamodb-local'] as const;

/** Container engines, each with a command that fails unless the engine is running. */
export const ENGINES = [
  { name: 'docker', probe: ['version', '--format', '{{.Server.Version}}'] },
  { name: 'podman', probe: ['info'] },
];

/** A running container engine, and the images of `IMAGES` that it has. */
export interface Engine {
  name: string;
  images: string[];
}

/** A database that can be started on this machine. */
export type Database =
  | { kind: 'program'; file: string }
  | { kind: 'container'; engine: string; image: string };

/** There is no database to start here. The message says how to get one. */
export class NoDatabaseError extends CliError {}

/** The command that installs a database on a platform. */
function installCommandFor(platform: string, arch: string): string {
  if (platform === 'linux' && arch === 'x64') return 'npm install --no-save @dynoxide/linux-x64';
  if (platform === 'darwin' || platform === 'linux') return 'brew install nubo-db/tap/dynoxide';
  return `docker pull ${IMAGES[0]}`;
}

/**
 * Chooses a database: a program before a container, and an engine that has an image before one that would have
 * to fetch it.
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
    `There is no DynamoDB to start here: run \`${installCommandFor(platform, arch)}\`, start Docker or Podman, or set DYNAMODB_ENDPOINT.`,
  );
}

/** The arguments with which a container engine runs an image on a loopback port. Without `dbPath` the data is in memory. */
export function containerArguments(options: {
  image: string;
  port: number;
  name: string;
  /** `uid:gid` of the owner of the files; null leaves it to the engine. */
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
