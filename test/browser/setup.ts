import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { killService, startService } from '../support/service.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the service answers, with authentication off. */
    url: string;
  }
}

/** Starts the service as `npm start` does, for all tests of the pages. */
export default async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(tmpdir(), 'registration-pages-'));
  const service = await startService(directory, { AUTH_MODE: 'none', ENVIRONMENT: 'development' });
  project.provide('url', service.url);
  return () => {
    killService(service);
    rmSync(directory, { recursive: true, force: true });
  };
}
