import type { AuthSettings } from '../auth/settings.ts';
import { type Settings, whoMayCall } from './settings.ts';

/** An example call: with authentication off, one that works as it is; else one that every role may make. */
function tryOut(api: string, { keys, jwt }: AuthSettings): string[] {
  if (!keys && !jwt) {
    const user = JSON.stringify({ userId: 'zoe', name: 'Zoe' });
    return [
      'Try:',
      `  curl -X POST ${api}/users \\`,
      `    -H 'content-type: application/json' -d '${user}'`,
    ];
  }
  const names = keys?.map(({ name }) => name) ?? [];
  const key = names.length > 1 ? `one of the keys ${names.join(', ')}` : `the key ${names[0]}`;
  const shown = [...(keys ? [key] : []), ...(jwt ? [`a token of ${jwt.issuer}`] : [])];
  return [
    `Try, with ${shown.join(' or ')} in the place of ${keys ? 'KEY' : 'TOKEN'}:`,
    `  curl ${api}/events -H 'Authorization: Bearer ${keys ? 'KEY' : 'TOKEN'}'`,
  ];
}

/** The lines that `npm start` prints when everything is up. */
export function greet(running: {
  port: number;
  /** Where the data is, for a person. */
  data: string;
  settings: Settings;
  auth: AuthSettings;
}): string[] {
  const { port, data, settings, auth } = running;
  const url = `http://localhost:${port}`;
  const isOff = settings.AUTH_MODE === 'none';
  return [
    `Listening on ${url}`,
    `The events are at ${url}/, the desk of organisers at ${url}/desk`,
    `The API is at ${url}/registration, a form for each of its calls at ${url}/docs`,
    `Data in ${data} (\`npm run doctor\` looks at it, \`npm run reset\` empties it)`,
    ...(isOff ? [`Authentication is off: ${whoMayCall(settings)}.`] : []),
    ...tryOut(`${url}/registration`, auth),
    'Ctrl-C ends everything.',
  ];
}
