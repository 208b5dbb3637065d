import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { TableNames } from '../../src/config.ts';
import { PERMISSIONS } from '../../src/store/permissions.ts';
import { type KeyAttribute, TABLE_SCHEMAS } from '../../src/store/tables.ts';

const template = parse(readFileSync(join(import.meta.dirname, '../../infra/tables.yaml'), 'utf8'));

const LOGICAL: Record<keyof TableNames, string> = {
  users: 'UsersTable',
  events: 'EventsTable',
  registrations: 'RegistrationsTable',
  waitlist: 'WaitlistTable',
};
/** The default names of the tables. */
const DEFAULTS: TableNames = {
  users: 'users-table',
  events: 'registration-events-table',
  registrations: 'registrations-table',
  waitlist: 'waitlist-table',
};

const keySchema = (hash: KeyAttribute, range?: KeyAttribute) => [
  { AttributeName: hash.name, KeyType: 'HASH' },
  ...(range ? [{ AttributeName: range.name, KeyType: 'RANGE' }] : []),
];

describe('the CloudFormation template', () => {
  test.each(Object.keys(LOGICAL) as (keyof TableNames)[])(
    'has the table of %s as in code',
    (key) => {
      const { hash, indexes, ttl } = TABLE_SCHEMAS[key];
      const { Type, DeletionPolicy, UpdateReplacePolicy, Properties } =
        template.Resources[LOGICAL[key]];
      expect({ Type, DeletionPolicy, UpdateReplacePolicy }).toEqual({
        Type: 'AWS::DynamoDB::Table',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
      });
      const attributes = [hash, ...indexes.flatMap((i) => [i.hash, ...(i.range ? [i.range] : [])])];
      const types = new Map(attributes.map(({ name, type }) => [name, type]));
      const { AttributeDefinitions, ...rest } = Properties;
      expect(new Map(AttributeDefinitions.map(Object.values))).toEqual(types);
      expect(AttributeDefinitions.length).toBe(types.size);
      expect(rest).toEqual({
        TableName: { 'Fn::Sub': `\${Prefix}${DEFAULTS[key]}` },
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        KeySchema: keySchema(hash),
        ...(indexes.length > 0
          ? {
              GlobalSecondaryIndexes: indexes.map(({ name, hash, range }) => ({
                IndexName: name,
                KeySchema: keySchema(hash, range),
                Projection: { ProjectionType: 'ALL' },
              })),
            }
          : {}),
        ...(ttl ? { TimeToLiveSpecification: { AttributeName: ttl, Enabled: true } } : {}),
        Tags: [{ Key: 'stage', Value: { Ref: 'Stage' } }],
      });
    },
  );

  test('has these tables, a policy and a user, and nothing else', () => {
    const others = ['WorkerPolicy', 'WorkerUser'];
    expect(Object.keys(template.Resources).sort()).toEqual(
      [...Object.values(LOGICAL), ...others].sort(),
    );
  });

  test('grants what the worker needs, and nothing else', () => {
    const { Statement } = template.Resources.WorkerPolicy.Properties.PolicyDocument;
    const wanted = Object.entries(PERMISSIONS).flatMap(([key, { actions, indexes }]) => {
      const logical = LOGICAL[key as keyof TableNames];
      const items = {
        Effect: 'Allow',
        Action: actions.map((action) => `dynamodb:${action}`),
        Resource: { 'Fn::GetAtt': [logical, 'Arn'] },
      };
      const queries = {
        Effect: 'Allow',
        Action: ['dynamodb:Query'],
        Resource: indexes.map((index) => ({ 'Fn::Sub': `\${${logical}.Arn}/index/${index}` })),
      };
      return indexes.length > 0 ? [items, queries] : [items];
    });
    expect(Statement).toEqual(wanted);
  });

  test('refers to nothing that it does not have', () => {
    const known = [...Object.keys(template.Resources), ...Object.keys(template.Parameters)];
    const text = JSON.stringify(template);
    const names = [
      ...text.matchAll(/"Ref":"(\w+)"/g),
      ...text.matchAll(/"Fn::GetAtt":\["(\w+)"/g),
      ...text.matchAll(/\$\{(\w+)(?:\.Arn)?\}/g),
    ].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(known).toContain(name);
  });
});
