import * as z from 'zod';

/**
 * Names that claim a privilege: a right of the caller, or a value that the service decides. A call that does not
 * use such a name refuses it, so that no caller believes it had an effect. Other unknown fields are ignored.
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

/** Makes the schema of a body, or of an object in it, refuse all privileged names that are not its own fields. */
export function withoutPrivileges<Fields extends z.ZodObject>(
  fields: Fields,
): z.ZodType<z.output<Fields>, z.input<Fields>> {
  const refused = PRIVILEGED_FIELDS.filter((name) => !(name in fields.shape));
  // For the description of the API.
  const described = fields.meta({ propertyNames: { not: { enum: refused } } });
  // Before the fields are parsed, since parsing drops unknown ones.
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
