import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DescribeContinuousBackupsCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { TableNames } from '../config.ts';
import { PERMISSIONS } from '../store/permissions.ts';
import { NO_ID } from '../store/probe.ts';
import { type IndexSchema, TABLE_SCHEMAS } from '../store/tables.ts';
import { explainClientError } from './client.ts';
import { countOverdue, countUnadopted, tellUnadopted } from './counting.ts';
import { type CliConfig, type Settings, whoMayCall } from './settings.ts';
import { compareTable } from './table-schema.ts';
import { describeTable } from './table-status.ts';
import { explain } from './terminal.ts';

/** The result of one check. */
export interface Finding {
  /** What was checked. */
  what: string;
  /** `unknown`: it can't be checked from here. */
  verdict: 'right' | 'wrong' | 'unknown';
  /** What was found, or why it can't be checked. */
  detail: string;
}

const right = (what: string, detail = 'as it must be'): Finding => ({
  what,
  verdict: 'right',
  detail,
});
const wrong = (what: string, detail: string): Finding => ({ what, verdict: 'wrong', detail });
const unknown = (what: string, detail: string): Finding => ({ what, verdict: 'unknown', detail });

/** The greatest clock skew that is right. AWS refuses signatures that are five minutes off. */
const MAX_SKEW_MS = 60_000;
/** The hourly look wakes what is overdue; what is due for longer was not woken. */
const OVERDUE_MAX_MS = 2 * 60 * 60 * 1_000;
const CALL_TIMEOUT_MS = 10_000;

/** The location hints that are near a region, by the start of the region's name. */
const NEAR: [region: string, hints: string[]][] = [
  ['us-east', ['enam']],
  ['us-west', ['wnam']],
  ['ca-west', ['wnam']],
  ['ca-', ['enam']],
  ['mx-', ['wnam', 'enam']],
  ['sa-', ['sam']],
  ['eu-', ['weur', 'eeur']],
  ['ap-northeast', ['apac', 'apac-ne']],
  ['ap-southeast', ['apac', 'apac-se', 'oc']],
  ['ap-', ['apac']],
  ['il-', ['me', 'eeur']],
  ['me-', ['me']],
  ['af-', ['afr']],
];

/** Checks whether new objects are placed near the tables. */
export function examineHint(region: string, hint: string | undefined): Finding {
  const what = 'location hint';
  if (!hint) return wrong(what, 'is empty: an object stays near its first caller');
  const near = NEAR.find(([start]) => region.startsWith(start))?.[1];
  if (!near) return unknown(what, `no hint is known for ${region}`);
  if (near.includes(hint)) return right(what, `${hint} is near ${region}`);
  return wrong(what, `${hint} is far from ${region}, which ${near.join(' or ')} is near`);
}

/** Checks authentication. Off is right on this machine; elsewhere it is unknown whether that is intended. */
export function examineCallers(settings: Settings): Finding {
  const what = 'authentication';
  if (settings.AUTH_MODE !== 'none') return right(what, `by ${settings.AUTH_MODE}`);
  const detail = `is off: ${whoMayCall(settings)}`;
  return settings.ALLOW_UNAUTHENTICATED === 'yes' ? unknown(what, detail) : right(what, detail);
}

const isDenied = (error: unknown) => (error as Error).name === 'AccessDeniedException';

/** Checks a table: its schema, its indexes, its expiry and its backups. */
async function examineTable(
  client: DynamoDBClient,
  config: CliConfig,
  key: keyof TableNames,
): Promise<Finding[]> {
  const name = config.tables[key];
  const schema = TABLE_SCHEMAS[key];
  const what = `table ${name}`;
  const findings: Finding[] = [];
  try {
    const table = await describeTable(client, name);
    if (!table)
      return [wrong(what, 'is missing: create it with infra/tables.yaml or npm run tables')];
    const differences = compareTable(name, schema, table);
    findings.push(
      ...differences.map((difference) => wrong(what, difference.slice(name.length + 2))),
    );
    if (differences.length === 0) findings.push(right(what));
  } catch (error) {
    if (!isDenied(error)) throw error;
    return [unknown(what, 'these credentials may not describe it, and need not')];
  }
  const options = { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
  if (schema.ttl) {
    const command = new DescribeTimeToLiveCommand({ TableName: name });
    const { TimeToLiveDescription: ttl } = await client.send(command, options);
    const isOn = /^ENABL/.test(ttl?.TimeToLiveStatus ?? '') && ttl?.AttributeName === schema.ttl;
    const expiry = `expiry of ${name}`;
    findings.push(isOn ? right(expiry) : wrong(expiry, `is off; it goes by ${schema.ttl}`));
  }
  const backups = `backups of ${name}`;
  try {
    const command = new DescribeContinuousBackupsCommand({ TableName: name });
    const { ContinuousBackupsDescription: found } = await client.send(command, options);
    const status = found?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
    const isOn = status === 'ENABLED';
    findings.push(isOn ? right(backups) : wrong(backups, 'point-in-time recovery is off'));
  } catch (error) {
    findings.push(unknown(backups, `cannot be asked for (${(error as Error).name})`));
  }
  return findings;
}

/** Makes a call that changes nothing: its key is of no item, and its condition can't hold. */
function harmlessCall(client: DynamoDBClient, table: string, key: string, action: string) {
  const options = { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
  const item = { [key]: { S: NO_ID } };
  const never = {
    TableName: table,
    ConditionExpression: 'attribute_exists(#key) AND attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': key },
  };
  switch (action) {
    case 'GetItem':
      return client.send(new GetItemCommand({ TableName: table, Key: item }), options);
    case 'BatchGetItem': {
      const RequestItems = { [table]: { Keys: [item] } };
      return client.send(new BatchGetItemCommand({ RequestItems }), options);
    }
    case 'Scan':
      return client.send(new ScanCommand({ TableName: table, Limit: 1 }), options);
    case 'PutItem':
      return client.send(new PutItemCommand({ ...never, Item: item }), options);
    case 'UpdateItem':
      return client.send(new UpdateItemCommand({ ...never, Key: item }), options);
    case 'DeleteItem':
      return client.send(new DeleteItemCommand({ ...never, Key: item }), options);
    default:
      throw new Error(`no harmless call is known for ${action}`);
  }
}

/** Queries an index for a key of no item. */
function queryNobody(client: DynamoDBClient, table: string, index: IndexSchema) {
  const command = new QueryCommand({
    TableName: table,
    IndexName: index.name,
    Limit: 1,
    KeyConditionExpression: '#hash = :nobody',
    ExpressionAttributeNames: { '#hash': index.hash.name },
    ExpressionAttributeValues: { ':nobody': { S: NO_ID } },
  });
  return client.send(command, { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
}

/** Tries each call that the worker makes. */
async function examinePermissions(
  client: DynamoDBClient,
  config: CliConfig,
  key: keyof TableNames,
): Promise<Finding[]> {
  const table = config.tables[key];
  const { hash, indexes } = TABLE_SCHEMAS[key];
  const attempt = async (action: string, call: () => Promise<unknown>): Promise<Finding[]> => {
    try {
      await call();
      return [];
    } catch (error) {
      const { name } = error as Error;
      if (name === 'ConditionalCheckFailedException') return [];
      // `examineTable` has reported a table or index that is missing or different.
      if (name === 'ResourceNotFoundException' || name === 'ValidationException') return [];
      if (isDenied(error)) return [wrong(`permissions on ${table}`, `${action} is denied`)];
      throw error;
    }
  };
  const denied = await Promise.all([
    ...PERMISSIONS[key].actions.map((action) =>
      attempt(action, () => harmlessCall(client, table, hash.name, action)),
    ),
    ...indexes.map((index) =>
      attempt(`Query of ${index.name}`, () => queryNobody(client, table, index)),
    ),
  ]);
  return denied.flat().length > 0 ? denied.flat() : [right(`permissions on ${table}`)];
}

/** Looks for events without books, which answer 503. Other checks report why they can't be counted. */
async function examineEvents(client: DynamoDBClient, table: string): Promise<Finding[]> {
  const what = `events in ${table}`;
  try {
    const counted = await countUnadopted(client, table);
    const fault = tellUnadopted(counted);
    if (fault) return [wrong(what, `${fault}: npm run adopt`)];
    return [right(what, counted.isAll ? 'all ours' : `the first ${counted.seen} are all ours`)];
  } catch (error) {
    const { name } = error as Error;
    if (isDenied(error) || name === 'ResourceNotFoundException') return [];
    throw error;
  }
}

/** Events whose alarm was lost, as it seems: the hourly look should have woken them. */
async function examineOverdue(client: DynamoDBClient, table: string): Promise<Finding[]> {
  const what = `events overdue in ${table}`;
  try {
    const { count, seen, isAll } = await countOverdue(client, table, Date.now() - OVERDUE_MAX_MS);
    const among = isAll ? '' : ` of the first ${seen}`;
    if (count === 0) return [right(what, `none${among}`)];
    const cause = 'see whether the hourly cron runs, and what the log says of these events';
    return [wrong(what, `${count}${among} had something to do two hours ago: ${cause}`)];
  } catch (error) {
    const { name } = error as Error;
    if (isDenied(error) || name === 'ResourceNotFoundException') return [];
    throw error;
  }
}

/** How far the clock of this machine is from AWS's. */
async function examineClock(config: CliConfig, now: () => number): Promise<Finding> {
  const what = 'clock';
  const url = config.endpoint ?? `https://dynamodb.${config.region}.amazonaws.com`;
  const response = await fetch(url, { signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
  await response.body?.cancel();
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return unknown(what, 'the endpoint does not tell the time');
  const seconds = Math.round((now() - date) / 1_000);
  if (Math.abs(seconds) * 1_000 <= MAX_SKEW_MS) return right(what, `${seconds} s off`);
  return wrong(what, `is ${seconds} s off; at 300 AWS refuses every signature`);
}

/**
 * Checks everything about DynamoDB. An error that makes the other checks impossible, such as refused credentials,
 * is the only finding then.
 */
export async function examine(
  client: DynamoDBClient,
  config: CliConfig,
  now: () => number = Date.now,
): Promise<Finding[]> {
  const keys = Object.keys(TABLE_SCHEMAS) as (keyof TableNames)[];
  try {
    const clock = await examineClock(config, now);
    const tables = await Promise.all(keys.map((key) => examineTable(client, config, key)));
    const rights = await Promise.all(keys.map((key) => examinePermissions(client, config, key)));
    const events = await examineEvents(client, config.tables.events);
    const overdue = await examineOverdue(client, config.tables.events);
    return [clock, ...tables.flat(), ...rights.flat(), ...events, ...overdue];
  } catch (error) {
    return [wrong('DynamoDB', explain(explainClientError(error, config)))];
  }
}
