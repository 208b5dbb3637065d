/** The parts that the benchmark uses of packages that the project does not install. */
declare module '@hono/node-server' {
  export function serve(options: {
    fetch: (request: Request) => Response | Promise<Response>;
    port: number;
    hostname: string;
  }): unknown;
}

declare module 'pg' {
  interface Result {
    rows: Record<string, unknown>[];
    rowCount: number | null;
  }
  interface Queryable {
    query(
      query: string | { name: string; text: string; values: unknown[] },
      values?: unknown[],
    ): Promise<Result>;
  }
  namespace pg {
    interface PoolClient extends Queryable {
      release(destroy?: boolean): void;
    }
    class Pool implements Queryable {
      constructor(options: {
        connectionString: string;
        options?: string;
        max: number;
        min?: number;
      });
      connect(): Promise<PoolClient>;
      query: Queryable['query'];
      end(): Promise<void>;
    }
  }
  export default pg;
}
