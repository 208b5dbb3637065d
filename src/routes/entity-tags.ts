/** An entity tag (RFC 9110, 8.8.3): opaque, so that only equal text is the same tag. */
interface EntityTag {
  isWeak: boolean;
  /** With its quotes. */
  opaque: string;
}

/** One member of a list, empty ones included, with the comma behind it. Commas within quotes part nothing. */
const MEMBER = /[ \t]*(?:(W\/)?("[^"\s\p{Cc}]*"))?[ \t]*(?:,|$)/guy;

/** The tags that `If-Match` or `If-None-Match` lists; none of a list that is malformed. */
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
 * The revisions that `If-Match` names, by strong comparison; null when any will do. A tag that is none of
 * ours matches no revision, which is what it is meant to tell.
 */
export function readIfMatch(header: string | undefined): number[] | null {
  if (header === undefined || header.trim() === '*') return null;
  return readTags(header).flatMap(({ isWeak, opaque }) => {
    const revision = Number(opaque.slice(1, -1));
    return !isWeak && toETag(revision) === opaque ? [revision] : [];
  });
}

/** Whether `If-None-Match` names a tag, by weak comparison: whoever sent it has what it is of. */
export function hasTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || readTags(header).some(({ opaque }) => opaque === etag);
}
