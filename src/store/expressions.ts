/** A condition of a write, with the names and values that stand for themselves in it. */
export interface Condition {
  ConditionExpression: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}

/** The fence: holds while nobody else has written the event since this version. */
export const atVersion = (version: number): Condition => ({
  ConditionExpression: '#version = :version',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':version': version },
});

/** An update that sets these attributes where a condition holds. Several names are reserved words, so all get another. */
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
