/** `npm run key -- --name crm --roles service,organiser`: makes an API key, and its entry for API_KEYS. */
import { parseArgs } from 'node:util';
import { KEY_BYTES, KEY_PREFIX } from '../auth/api-keys.ts';
import { apiKeysSchema } from '../auth/settings.ts';
import { digestOf } from '../digest.ts';
import { CliError, runCommand, say } from './terminal.ts';

await runCommand(async () => {
  const { values } = parseArgs({
    options: { name: { type: 'string' }, roles: { type: 'string', default: 'service' } },
  });
  if (!values.name) throw new CliError('Say whose key it is: npm run key -- --name crm');
  const random = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const key = KEY_PREFIX + Buffer.from(random).toString('base64url');
  const sha256 = Buffer.from(await digestOf(key)).toString('hex');
  const entry = { name: values.name, roles: values.roles.split(','), sha256 };
  const { error } = apiKeysSchema.safeParse([entry]);
  if (error) {
    throw new CliError(
      error.issues.map(({ path, message }) => `${String(path[1])} ${message}`).join('; '),
    );
  }
  say(`The key, which is shown this once:\n  ${key}`);
  say(`Its entry in the list that is the secret API_KEYS:\n  ${JSON.stringify(entry)}`);
  say('To try it here, start with it:');
  say(`  AUTH_MODE=key API_KEYS='${JSON.stringify([entry])}' npm start`);
  say('and call with it:');
  say(`  curl http://localhost:8787/registration/events -H 'Authorization: Bearer ${key}'`);
  return 0;
}, 'npm run key -- --name NAME [--roles service,organiser]');
