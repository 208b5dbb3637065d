/** The package for programs that call the service: `hc<AppType>(url)` is a typed client. */
export { hc } from 'hono/client';
export type { AppType } from './http/app.ts';
