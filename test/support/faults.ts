import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type DynamoCall, onDynamo, store } from './desk.ts';

/** A refusal by DynamoDB; `reasons` are those of a cancelled transaction. */
export function refusal(status: number, type: string, reasons?: string[]): Response {
  const body = {
    __type: `com.amazonaws.dynamodb.v20120810#${type}`,
    message: type,
    ...(reasons ? { CancellationReasons: reasons.map((Code) => ({ Code })) } : {}),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/x-amz-json-1.0' },
  });
}

/** Gives the first `times` calls of an operation a fault, and lets all others through. */
export function fault(
  operation: string,
  times: number,
  meet: (call: DynamoCall) => Promise<Response>,
) {
  let left = times;
  return onDynamo((call) => {
    if (call.operation !== operation || left === 0) return call.send();
    left--;
    return meet(call);
  });
}

/** Loses the connection. */
export const drop = () => Promise.reject(new TypeError('connection lost'));

/** Never answers, until the caller gives up. */
export const hang = ({ request }: DynamoCall) =>
  new Promise<Response>((_, reject) => {
    request.signal.addEventListener('abort', () => reject(request.signal.reason));
  });

/** Raises the event's version, as a second writer would. */
export const bumpVersion = (eventId: string) =>
  store.client.send(
    new UpdateCommand({
      TableName: store.tables.events,
      Key: { eventId },
      UpdateExpression: 'ADD #version :one',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':one': 1 },
    }),
  );
