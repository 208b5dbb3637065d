import type { TableNames } from '../config.ts';
import { INDEXES } from './tables.ts';

/** What the worker may do with a table: actions on its items, and the indexes that it queries. */
export interface TablePermissions {
  actions: string[];
  indexes: string[];
}

/**
 * Exactly the rights that the worker needs, which `infra/tables.yaml` grants. A transaction needs the rights
 * of its single writes, and no other.
 */
export const PERMISSIONS: Record<keyof TableNames, TablePermissions> = {
  users: {
    actions: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
    indexes: [],
  },
  // Scan lists the events: the contract's schema has no index over all of them.
  events: { actions: ['BatchGetItem', 'GetItem', 'PutItem', 'Scan', 'UpdateItem'], indexes: [] },
  registrations: {
    actions: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem'],
    indexes: [INDEXES.registrationsByEvent, INDEXES.registrationsByUser],
  },
  waitlist: {
    actions: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem'],
    indexes: [INDEXES.waitlistByPosition, INDEXES.waitlistByUser],
  },
};
