import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';

/** A browser of the registry, for machines that have none. 75 MB, so `npm ci` does not bring it. */
const PACKAGE = '@sparticuz/chromium';
const VERSION = '153.0.0';
const HOME = resolve(import.meta.dirname, '../../dist/browser');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser of this machine: `CHROMIUM`, or one on the PATH; null when there is none. */
export function findChromium(): string | null {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return paths.find(isProgram) ?? null;
}

/** Brings the browser of the registry into `dist/browser`, once. */
export async function bringChromium(): Promise<string> {
  const manifest = join(HOME, 'node_modules', PACKAGE, 'package.json');
  if (!existsSync(manifest)) {
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', HOME];
    execFileSync('npm', [...args, `${PACKAGE}@${VERSION}`], { stdio: 'inherit' });
  }
  const { default: chromium } = await import(createRequire(manifest).resolve(PACKAGE));
  return (chromium as { executablePath(): Promise<string> }).executablePath();
}
