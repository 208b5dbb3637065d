/**
 * What stands in the bundle for parts of the SDK that nothing here uses: `[alias]` of wrangler.toml names them. They
 * are 8 % of the worker. Tests run with the real ones.
 */
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

/** For `@aws-sdk/middleware-endpoint-discovery`: only calls of Timestream and the like discover endpoints. */
export const resolveEndpointDiscoveryConfig = (config: DynamoDBClientConfig): object => config;

/** For `@smithy/core/event-streams`: DynamoDB's answers to our calls are no streams of events. */
export class EventStreamSerde {
  constructor() {
    throw new Error('the worker is bundled without event streams');
  }
}
export const eventStreamSerdeProvider = (): EventStreamSerde => new EventStreamSerde();

/** For `@smithy/core/checksum`: the signer has a hash of its own. */
export class Sha256 {
  constructor() {
    throw new Error('the worker is bundled without the hashes of the SDK');
  }
}
