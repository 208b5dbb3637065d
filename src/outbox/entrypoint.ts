import { WorkerEntrypoint } from 'cloudflare:workers';
import type { DeliveryJob, DeliveryReport } from '../event/outbox.ts';
import { servicesOf } from '../services.ts';
import { readEntries, readLog } from '../store/log.ts';
import { deliver } from './deliver.ts';
import { grantOf } from './link.ts';

/**
 * What sends messages. Each delivery is an invocation of its own, apart from the event's object: with
 * connections, subrequests and a CPU of its own, so that an endpoint that is slow holds up no commit.
 */
export class Outbox extends WorkerEntrypoint<Env> {
  /** @throws when no endpoint of that name is configured, or the log cannot be read */
  async deliver(job: DeliveryJob): Promise<DeliveryReport> {
    const { config, store, links } = servicesOf(this.env);
    const { eventId, pointer } = job;
    const endpoint = config.webhooks.find(({ name }) => name === pointer.name);
    if (!endpoint) throw new Error(`no endpoint is called ${pointer.name}`);
    const { publicUrl } = config.auth;
    return await deliver(job, endpoint, {
      fetch: (url, init) => fetch(url, init),
      isOffered: (id, offer) => this.env.EVENTS.getByName(id).isOffered(offer),
      now: () => Date.now(),
      random: () => Math.random(),
      readRange: (range) => readLog(store, eventId, range),
      readVersions: (versions) => readEntries(store, eventId, versions),
      linkFor: async (message) => {
        const grant = endpoint.hasLinks ? grantOf(message) : null;
        return grant && links && publicUrl ? await links.make(grant, publicUrl) : null;
      },
      // biome-ignore lint/suspicious/noConsole: the platform's log
      tell: (problem, details) => console.warn(JSON.stringify({ problem, ...details })),
    });
  }
}
