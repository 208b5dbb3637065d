/** Makes the tables of the PostgreSQL peer in a schema of their own, or removes them. A program of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env } from 'node:process';
import pg from 'pg';

const { PG_URL = '', PG_SCHEMA, USERS } = env;
const pool = new pg.Pool({ connectionString: PG_URL, max: 1 });
const [, , what] = argv;
if (what === 'remove') {
  await pool.query(`DROP SCHEMA ${PG_SCHEMA} CASCADE`);
} else {
  await pool.query(`CREATE SCHEMA ${PG_SCHEMA}`);
  await pool.query(`SET search_path = ${PG_SCHEMA}`);
  await pool.query(readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8'));
  // The users of `seedUsers`.
  await pool.query(
    "INSERT INTO users SELECT 'user-' || lpad(i::text, 7, '0'), 'User ' || i FROM generate_series(0, $1::integer - 1) i",
    [USERS],
  );
  await pool.query('ANALYZE users');
}
await pool.end();
