/** `npm run doctor [-- --env NAME]`: reports what is missing or wrong in the settings and in DynamoDB. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readConfig } from '../config.ts';
import { openClient } from './client.ts';
import { examine, examineCallers, examineHint, type Finding } from './examine.ts';
import { readSettingsHere } from './running.ts';
import { checkSettings, type Settings } from './settings.ts';
import { explain, runCommand, say } from './terminal.ts';
import { findWrangler } from './worker.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const WRANGLER_TIMEOUT_MS = 30_000;
const MARKS = { right: 'ok   ', wrong: 'WRONG', unknown: '?    ' };

/** The names of the secrets that the worker needs. */
function secretsFor({ AUTH_MODE = '', LINK_IN_WEBHOOKS }: Settings): string[] {
  const keys = AUTH_MODE.includes('key') ? ['API_KEYS'] : [];
  const links = AUTH_MODE.includes('link') ? ['LINK_SECRET'] : [];
  const webhooks = LINK_IN_WEBHOOKS ? ['WEBHOOKS'] : [];
  return ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', ...keys, ...links, ...webhooks];
}

/** A secret `WEBHOOKS` that has the endpoints which are to get links; nothing where none is. */
function endpointsFor({ LINK_IN_WEBHOOKS }: Settings): Settings {
  if (!LINK_IN_WEBHOOKS) return {};
  const names = new Set(LINK_IN_WEBHOOKS.split(',').map((each) => each.trim()));
  const secrets = [`whsec_${'A'.repeat(32)}`];
  const url = 'https://unknown.example.com';
  return { WEBHOOKS: JSON.stringify([...names].map((name) => ({ name, url, secrets }))) };
}

/** Checks the settings by the service's own rules. Secrets can't be read here, so they are taken to be right. */
function examineSettings(settings: Settings): Finding {
  const secrets: Settings = {
    AWS_ACCESS_KEY_ID: 'unknown',
    AWS_SECRET_ACCESS_KEY: 'unknown',
    API_KEYS: JSON.stringify([{ name: 'unknown', roles: ['service'], sha256: '0'.repeat(64) }]),
    LINK_SECRET: 'unknown'.repeat(10),
  };
  try {
    readConfig({ ...secrets, ...endpointsFor(settings), ...settings });
    return { what: 'settings', verdict: 'right', detail: 'as they must be' };
  } catch (error) {
    return { what: 'settings', verdict: 'wrong', detail: explain(error) };
  }
}

/** Checks whether a deployed worker has its secrets, by asking Cloudflare. */
async function examineSecrets(settings: Settings, environment: string): Promise<Finding> {
  const what = 'secrets';
  try {
    const args = [findWrangler(), 'secret', 'list', '--env', environment, '--format', 'json'];
    const options = {
      cwd: ROOT,
      timeout: WRANGLER_TIMEOUT_MS,
      env: { ...process.env, CI: 'true' },
    };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    const present = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    const missing = secretsFor(settings).filter((name) => !present.includes(name));
    return missing.length === 0
      ? { what, verdict: 'right', detail: 'all there' }
      : { what, verdict: 'wrong', detail: `missing: ${missing.join(', ')}` };
  } catch {
    const detail =
      'Cloudflare cannot be asked: set CLOUDFLARE_API_TOKEN, or run `npx wrangler login`';
    return { what, verdict: 'unknown', detail };
  }
}

await runCommand(async () => {
  const { values } = parseArgs({ options: { env: { type: 'string', short: 'e' } } });
  const settings = await readSettingsHere(ROOT, values.env);
  const findings = [examineSettings(settings)];
  if (findings[0]?.verdict === 'right') {
    const config = checkSettings(settings);
    findings.push(examineCallers(settings));
    findings.push(examineHint(config.region, settings.LOCATION_HINT));
    if (values.env !== undefined) findings.push(await examineSecrets(settings, values.env));
    findings.push(...(await examine(openClient(config), config)));
  }
  for (const { what, verdict, detail } of findings) say(`${MARKS[verdict]}  ${what}: ${detail}`);
  const faults = findings.filter(({ verdict }) => verdict === 'wrong').length;
  say(faults === 0 ? 'Nothing is wrong.' : `${faults} wrong.`);
  return faults === 0 ? 0 : 1;
}, 'npm run doctor [-- --env NAME]');
