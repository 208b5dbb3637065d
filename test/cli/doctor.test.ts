import { execFile } from 'node:child_process';
import { createServer, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedDynamoDB, startDynamoDB } from '../../src/cli/dynamodb.ts';
import { examine, examineHint } from '../../src/cli/examine.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';
import type { TableNames } from '../../src/config.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
let database: EmbeddedDynamoDB;
let client: DynamoDBClient;
let tables: TableNames;
let run = 0;

beforeAll(async () => {
  database = await startDynamoDB({ port: await freePort() });
  client = new DynamoDBClient({ region, endpoint: database.endpoint, credentials });
});
afterAll(async () => {
  client?.destroy();
  await database?.stop();
});
beforeEach(async () => {
  run += 1;
  tables = {
    users: `users-${run}`,
    events: `events-${run}`,
    registrations: `registrations-${run}`,
    waitlist: `waitlist-${run}`,
  };
  await ensureTables(client, tables);
});

/** The findings that are wrong. */
async function faults(endpoint = database.endpoint, now?: () => number): Promise<string[]> {
  const asked = new DynamoDBClient({ region, endpoint, credentials, maxAttempts: 1 });
  try {
    const findings = await examine(asked, { region, endpoint, tables, credentials }, now);
    return findings
      .filter(({ verdict }) => verdict === 'wrong')
      .map(({ what, detail }) => `${what}: ${detail}`);
  } finally {
    asked.destroy();
  }
}

/**
 * The database, with answers of AWS that the embedded one can't give: for some calls a refusal, by its
 * name, or another answer.
 */
async function between<T>(
  answerFor: (operation: string, body: string) => string | object | null,
  use: (endpoint: string) => Promise<T>,
): Promise<T> {
  const server: Server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const operation = String(incoming.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
      const own = operation ? answerFor(operation, body.toString()) : null;
      if (own !== null) {
        const isRefusal = typeof own === 'string';
        const __type = `com.amazonaws.dynamodb.v20120810#${own}`;
        outgoing.writeHead(isRefusal ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' });
        outgoing.end(JSON.stringify(isRefusal ? { __type, message: 'refused' } : own));
        return;
      }
      const { method, url, headers } = incoming;
      const forwarded = send(database.endpoint + url, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      forwarded.end(body);
    });
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('the doctor tells apart', () => {
  test('that nothing is wrong', async () => {
    expect(await faults()).toEqual([]);
  });

  test('a table that is missing', async () => {
    await client.send(new DeleteTableCommand({ TableName: tables.waitlist }));
    expect(await faults()).toEqual([
      `table ${tables.waitlist}: is missing: create it with infra/tables.yaml or npm run tables`,
    ]);
  });

  test('a table with another key', async () => {
    await client.send(new DeleteTableCommand({ TableName: tables.users }));
    await client.send(
      new CreateTableCommand({
        TableName: tables.users,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    expect(await faults()).toEqual([
      `table ${tables.users}: the table is keyed by id S, not userId S`,
    ]);
  });

  test('an index that is missing', async () => {
    await client.send(new DeleteTableCommand({ TableName: tables.waitlist }));
    await client.send(
      new CreateTableCommand({
        TableName: tables.waitlist,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'entryId', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'entryId', KeyType: 'HASH' }],
      }),
    );
    expect(await faults()).toEqual([
      `table ${tables.waitlist}: the index EventIdPositionIndex is missing: npm run tables adds it`,
      `table ${tables.waitlist}: the index UserIdIndex is missing: npm run tables adds it`,
    ]);
  });

  test('keys that never expire', async () => {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: tables.registrations,
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: false },
      }),
    );
    expect(await faults()).toEqual([
      `expiry of ${tables.registrations}: is off; it goes by expiresAt`,
    ]);
  });

  test('a call that is denied', async () => {
    const refuse = (operation: string, body: string) =>
      operation === 'DeleteItem' && body.includes(tables.waitlist) ? 'AccessDeniedException' : null;
    expect(await between(refuse, faults)).toEqual([
      `permissions on ${tables.waitlist}: DeleteItem is denied`,
    ]);
  });

  test('an index that may not be queried', async () => {
    const refuse = (operation: string, body: string) =>
      operation === 'Query' && body.includes('"UserIdIndex"') ? 'AccessDeniedException' : null;
    expect(await between(refuse, faults)).toEqual([
      `permissions on ${tables.registrations}: Query of UserIdIndex is denied`,
      `permissions on ${tables.waitlist}: Query of UserIdIndex is denied`,
    ]);
  });

  test('that tables may not be described, which the worker does not need', async () => {
    const refuse = (operation: string) =>
      operation.startsWith('Describe') ? 'AccessDeniedException' : null;
    expect(await between(refuse, faults)).toEqual([]);
  });

  test('credentials that are refused', async () => {
    const [fault = '', ...others] = await between(() => 'UnrecognizedClientException', faults);
    expect(fault).toContain('refused: UnrecognizedClientException');
    expect(others).toEqual([]);
  });

  test('backups that are off, where they can be asked for', async () => {
    // The embedded database has no backups; this is AWS's answer for a table whose recovery is off.
    const description = {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'DISABLED' },
    };
    const say = (operation: string) =>
      operation === 'DescribeContinuousBackups'
        ? { ContinuousBackupsDescription: description }
        : null;
    const told = await between(say, faults);
    expect(told.sort()).toEqual(
      Object.values(tables)
        .map((name) => `backups of ${name}: point-in-time recovery is off`)
        .sort(),
    );
  });

  test('an endpoint that does not answer', async () => {
    const [fault = '', ...others] = await faults(`http://127.0.0.1:${await freePort()}`);
    expect(fault).toMatch(/^DynamoDB: /);
    expect(others).toEqual([]);
  });

  test('a clock that is off', async () => {
    const told = (skewMs: number) =>
      between(
        () => null,
        (endpoint) => faults(endpoint, () => Date.now() + skewMs),
      );
    expect((await told(200_000)).join()).toMatch(/^clock: is (199|200|201) s off/);
    expect((await told(-200_000)).join()).toMatch(/^clock: is -(199|200|201) s off/);
    expect(await told(50_000)).toEqual([]);
  });

  test('events of the seed system, in the first pages of the table', async () => {
    expect(await faults()).toEqual([]);
    const put = (eventId: string, item = {}) =>
      client.send(
        new PutItemCommand({
          TableName: tables.events,
          Item: { eventId: { S: eventId }, ...item },
        }),
      );
    await put('ours', { version: { N: '1' } });
    expect(await faults()).toEqual([]);
    await put('old');
    const what = `events in ${tables.events}`;
    expect(await faults()).toEqual([
      `${what}: 1 event was written by the seed system, and is not served yet: npm run adopt`,
    ]);
    let pages = 0;
    const endless = (operation: string, body: string) => {
      if (operation !== 'Scan' || !body.includes('attribute_not_exists(version)')) return null;
      pages++;
      return { Count: 2, ScannedCount: 3, LastEvaluatedKey: { eventId: { S: 'more' } } };
    };
    expect(await between(endless, faults)).toEqual([
      `${what}: 20 events were written by the seed system (of the first 30), and are not served yet: npm run adopt`,
    ]);
    expect(pages).toBe(10);
  });

  test('events that should have done something two hours ago', async () => {
    const hoursAgo = (hours: number) => ({ N: String(Date.now() - hours * 60 * 60 * 1_000) });
    const put = (eventId: string, dueAt: AttributeValue) =>
      client.send(
        new PutItemCommand({
          TableName: tables.events,
          Item: { eventId: { S: eventId }, version: { N: '1' }, dueAt },
        }),
      );
    await put('later', { N: String(Date.now() + 60_000) });
    await put('never', { NULL: true });
    await put('recent', hoursAgo(1));
    expect(await faults()).toEqual([]);
    await put('lost', hoursAgo(3));
    expect(await faults()).toEqual([
      `events overdue in ${tables.events}: 1 had something to do two hours ago: see whether the hourly cron runs, and what the log says of these events`,
    ]);
  });

  test('objects far from the tables', () => {
    expect(examineHint('eu-central-1', 'weur').verdict).toBe('right');
    expect(examineHint('eu-central-1', 'oc').detail).toContain('far from eu-central-1');
    expect(examineHint('us-east-1', undefined).verdict).toBe('wrong');
    expect(examineHint('xx-new-1', 'weur').verdict).toBe('unknown');
  });
});

/** The command itself, with settings in the environment. */
function doctor(env: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string }> {
  const root = resolve(import.meta.dirname, '../..');
  const all = { ...process.env, DYNAMODB_ENDPOINT: database.endpoint, ...env };
  return new Promise((done) => {
    execFile(process.execPath, ['src/cli/doctor.ts'], { cwd: root, env: all }, (error, stdout) =>
      done({ code: error ? 1 : 0, stdout }),
    );
  });
}

describe('the command', { timeout: 80_000 }, () => {
  const named = () => ({
    USERS_TABLE: tables.users,
    EVENTS_TABLE: tables.events,
    REGISTRATIONS_TABLE: tables.registrations,
    WAITLIST_TABLE: tables.waitlist,
  });

  test('ends well when nothing is wrong', async () => {
    const { code, stdout } = await doctor(named());
    expect(stdout).toContain(`ok     table ${tables.users}: as it must be`);
    expect(stdout).toContain('authentication: is off: anyone on this machine');
    expect(stdout).toContain('Nothing is wrong.');
    expect(code).toBe(0);
  });

  test('takes secrets to be right that links in webhooks need', async () => {
    const links = {
      ...{ AUTH_MODE: 'key,link', LINK_IN_WEBHOOKS: 'mailer, crm' },
      PUBLIC_URL: 'https://desk.example',
    };
    expect((await doctor({ ...named(), ...links })).stdout).toContain('Nothing is wrong.');
    const without = await doctor({ ...named(), ...links, PUBLIC_URL: '' });
    expect(without.stdout).toContain('LINK_IN_WEBHOOKS needs PUBLIC_URL');
  });

  test('ends with 1, and names the setting that is impossible', async () => {
    const { code, stdout } = await doctor({ ...named(), AUTH_MODE: 'everybody' });
    expect(stdout).toContain('WRONG  settings: The service is not configured: AUTH_MODE must be');
    expect(code).toBe(1);
  });
});
