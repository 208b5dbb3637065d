/** Writes the description of the API, and the files of `/docs` and of the pages, into `dist/assets`. Wrangler runs it before each start. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { describeApi } from '../http/openapi.ts';
import { writePages } from './page-assets.ts';

const assets = resolve(import.meta.dirname, '../../dist/assets');
const target = join(assets, 'docs');
const source = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

mkdirSync(target, { recursive: true });
for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
  copyFileSync(join(source, file), join(target, file));
}
// In a file, since the page's content policy forbids scripts in the page.
writeFileSync(
  join(target, 'start.js'),
  "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, tryItOutEnabled: true });\n",
);
// Made here, so that the worker does not contain the code that makes it.
writeFileSync(join(assets, 'openapi.json'), JSON.stringify(describeApi()));
await writePages(assets);
