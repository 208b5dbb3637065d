import { type Context, Hono } from 'hono';
import { NotFoundError } from '../../errors.ts';

/** The page loads from, and calls, this origin only. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Registration desk: the API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>`;

/** Answers a file that the build has made. */
function asset(c: Context<{ Bindings: Env }>): Promise<Response> {
  if (!c.env.ASSETS) throw new NotFoundError(`There is no ${c.req.path}.`);
  return c.env.ASSETS.fetch(c.req.raw);
}

/** The description of the API, for machines and for people. */
export const docs = new Hono<{ Bindings: Env }>()
  .get('/openapi.json', asset)
  .get('/docs', (c) => {
    c.header('Content-Security-Policy', POLICY);
    return c.html(docsPage);
  })
  .get('/docs/:file', asset);
