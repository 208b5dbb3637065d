/** What the package gives to programs that call the service: `hc<AppType>(url)`. */
export { hc } from 'hono/client';
export type { AppType } from './http/app.ts';
