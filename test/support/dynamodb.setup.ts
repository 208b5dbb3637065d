import '../../src/cli/docs-assets.ts';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TestProject } from 'vitest/node';
import { NoDatabaseError } from '../../src/cli/database-choice.ts';
import { type EmbeddedDynamoDB, startDynamoDB } from '../../src/cli/dynamodb.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';
import { complain } from '../../src/cli/terminal.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Bindings that point the worker under test at this run's tables. */
    bindings: Record<string, string>;
  }
}

/** Nothing listens here: without a database, a test that needs one fails at once. */
const NOWHERE = 'http://127.0.0.1:9';

/** Starts a database if one is installed. Otherwise it prints once why tests that need one fail. */
async function startIfThereIsOne(): Promise<EmbeddedDynamoDB | null> {
  try {
    return await startDynamoDB({ port: await freePort() });
  } catch (error) {
    if (!(error instanceof NoDatabaseError)) throw error;
    complain(`Tests that need a database will fail. ${error.message}`);
    return null;
  }
}

/**
 * A fresh database for the run: an embedded one in memory, or tables of its own in the one that
 * `DYNAMODB_ENDPOINT` names.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DYNAMODB_ENDPOINT;
  const embedded = given ? null : await startIfThereIsOne();
  const endpoint = given ?? embedded?.endpoint;
  const region = 'eu-central-1';
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const run = Date.now().toString(36);
  const tables = {
    users: `users-${run}`,
    events: `events-${run}`,
    registrations: `registrations-${run}`,
    waitlist: `waitlist-${run}`,
  };
  const client = new DynamoDBClient({ region, endpoint: endpoint ?? NOWHERE, credentials });
  if (endpoint !== undefined) await ensureTables(client, tables);
  client.destroy();
  project.provide('bindings', {
    ENVIRONMENT: 'development',
    AUTH_MODE: 'none',
    // The tests ask for hosts that are not this machine's, such as desk.test.
    ALLOW_UNAUTHENTICATED: 'yes',
    AWS_REGION: region,
    DYNAMODB_ENDPOINT: endpoint ?? NOWHERE,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    USERS_TABLE: tables.users,
    EVENTS_TABLE: tables.events,
    REGISTRATIONS_TABLE: tables.registrations,
    WAITLIST_TABLE: tables.waitlist,
  });
  return async () => {
    await embedded?.stop();
  };
}
