/** A condition of a write, with the names and values of its placeholders. */
export interface Condition {
  ConditionExpression: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}

/** The fence: the event item still has this version, so nobody else has written it since. */
export const atVersion = (version: number): Condition => ({
  ConditionExpression: '#version = :version',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':version': version },
});

/** An update that sets attributes if a condition holds. Some names are reserved words, so all get placeholders. */
export function setWhere(attributes: object, condition: Condition) {
  const entries = Object.entries(attributes);
  return {
    UpdateExpression: `SET ${entries.map((_, i) => `#a${i} = :a${i}`).join(', ')}`,
    ConditionExpression: condition.ConditionExpression,
    ExpressionAttributeNames: {
      ...condition.ExpressionAttributeNames,
      ...Object.fromEntries(entries.map(([name], i) => [`#a${i}`, name])),
    },
    ExpressionAttributeValues: {
      ...condition.ExpressionAttributeValues,
      ...Object.fromEntries(entries.map(([, value], i) => [`:a${i}`, value])),
    },
  };
}
