import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import app from '../../../src/http/app.ts';
import { servicesOf } from '../../../src/services.ts';
import { INDEXES } from '../../../src/store/tables.ts';

/**
 * The bare paginated query: reads all rows of an event as the loader does, in parallel from both
 * indexes and through the same client, and only counts them.
 */
async function countRows(env: Env, eventId: string): Promise<number> {
  const { client, tables } = servicesOf(env).store;
  const count = async (TableName: string, IndexName: string): Promise<number> => {
    let rows = 0;
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName,
          IndexName,
          KeyConditionExpression: 'eventId = :eventId',
          ExpressionAttributeValues: { ':eventId': eventId },
          ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
        }),
      );
      rows += page.Items?.length ?? 0;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return rows;
  };
  const counts = await Promise.all([
    count(tables.registrations, INDEXES.registrationsByEvent),
    count(tables.waitlist, INDEXES.waitlistByPosition),
  ]);
  return counts[0] + counts[1];
}

export { EventObject } from '../../../src/object/event-object.ts';
export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/query') return app.fetch(request, env, ctx);
    return Response.json({ rows: await countRows(env, searchParams.get('eventId') ?? '') });
  },
} satisfies ExportedHandler<Env>;
