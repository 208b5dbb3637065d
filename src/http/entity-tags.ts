/** An entity tag (RFC 9110, 8.8.3). Two tags are the same only if their text is equal. */
interface EntityTag {
  isWeak: boolean;
  /** With its quotes. */
  opaque: string;
}

/**
 * One member of a list, which may be empty, and the comma after it. A comma within quotes separates nothing. Blanks
 * after a tag belong to the tag: if an empty member could have them at both of its ends, a long row of them would
 * take the square of its length.
 */
const MEMBER = /[ \t]*(?:(W\/)?("[^"\s\p{Cc}]*")[ \t]*)?(?:,|$)/guy;

/** The tags that `If-Match` or `If-None-Match` lists; none if the list is malformed. */
function readTags(header: string): EntityTag[] {
  const tags: EntityTag[] = [];
  let end = 0;
  for (const [member, weak, opaque] of header.matchAll(MEMBER)) {
    end += member.length;
    if (opaque !== undefined) tags.push({ isWeak: weak !== undefined, opaque });
  }
  return end === header.length ? tags : [];
}

/** An event's revision, as its entity tag. */
export const toETag = (revision: number) => `"${revision}"`;

/**
 * The revisions that `If-Match` names, by strong comparison; null for any revision. A tag that we never gave
 * matches no revision.
 */
export function readIfMatch(header: string | undefined): number[] | null {
  if (header === undefined || header.trim() === '*') return null;
  return readTags(header).flatMap(({ isWeak, opaque }) => {
    const revision = Number(opaque.slice(1, -1));
    return !isWeak && toETag(revision) === opaque ? [revision] : [];
  });
}

/** Whether `If-None-Match` names this tag, by weak comparison: the caller has this revision already. */
export function hasTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || readTags(header).some(({ opaque }) => opaque === etag);
}
