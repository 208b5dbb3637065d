import * as z from 'zod';

/**
 * Names that a body could be taken to claim something by: a right of the caller, or a decision that is the
 * service's own. Where a call gives one no meaning it is refused, so that nobody believes it was heeded;
 * any other unknown field is ignored.
 */
export const PRIVILEGED_FIELDS = [
  ...['role', 'roles', 'admin', 'isAdmin', 'permission', 'permissions', 'scope', 'scopes'],
  ...[
    'status',
    'position',
    'registrationId',
    'entryId',
    'offerId',
    'createdAt',
    'override',
    'overrideReason',
  ],
  ...['seq', 'version', 'revision'],
];

/** A body, or an object inside of one, that takes its own fields and refuses privileges that are none of them. */
export function withoutPrivileges<Fields extends z.ZodObject>(
  fields: Fields,
): z.ZodType<z.output<Fields>, z.input<Fields>> {
  const refused = PRIVILEGED_FIELDS.filter((name) => !(name in fields.shape));
  // What the description of the API says of it.
  const described = fields.meta({ propertyNames: { not: { enum: refused } } });
  // Before the fields are read, which drops the unknown ones.
  return z.preprocess((body, context) => {
    if (typeof body === 'object' && body !== null) {
      for (const name of refused) {
        if (!Object.hasOwn(body, name)) continue;
        context.addIssue({ code: 'custom', path: [name], message: 'has no meaning in this call' });
      }
    }
    return body;
  }, described);
}
