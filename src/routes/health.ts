import { Hono } from 'hono';
import { UnavailableError } from '../errors.ts';
import { servicesOf } from '../services.ts';

export const health = new Hono<{ Bindings: Env }>()
  .get('/', (c) => c.json({ status: 'ok' }, 200))
  .get('/ready', async (c) => {
    const faults = await servicesOf(c.env).readiness.faults();
    if (faults.length > 0) {
      throw new UnavailableError(`Not every table answers; failing: ${faults.join(', ')}.`);
    }
    return c.json({ status: 'ready' }, 200);
  });
