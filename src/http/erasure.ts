import { NotFoundError, UnavailableError } from '../errors.ts';
import type { Reply } from '../event/queue.ts';
import { ERASURE_MAX_IN_FLIGHT, ERASURE_PAUSE_MS, ERASURE_WORK_MS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import type { Store } from '../store/client.ts';
import {
  beginErasure,
  confirmPlaces,
  deleteOrphan,
  type Erasure,
  endErasure,
  finishAfter,
  isEvent,
  type LeftPlace,
  lookForPlaces,
  mergePlaces,
  readHolder,
  recordLeft,
} from '../store/erasure.ts';
import type { Nominee } from '../store/user-places.ts';
import { actorOf, eventObject, type RouteContext, toReplyError } from './event-call.ts';
import type { ErasureAnswer } from './schemas.ts';

/** What one look of an erasure has come to. */
interface Look {
  /** The places that were given up. */
  left: LeftPlace[];
  /** Whether there may be more, which were not looked at. */
  isCut: boolean;
}

/**
 * Erases a user, as far as this call can: it may be cut short anywhere, and sent again at any time.
 *
 * - First the user is marked: no look-up finds them from then on, and a look-up of before counts for
 *   `KNOWN_USERS_MS` at most.
 * - Then their places are given up, each by its event, as far as the indexes show them.
 * - After `finishAfter` nobody can register them any more, and the indexes have caught up: what they show now
 *   is given up, and the mark goes.
 *
 * @throws NotFoundError when nobody has the id, and nothing is held under it
 * @throws UnavailableError when an event could not give up its place: the same call goes on
 */
export async function eraseUser(c: RouteContext, userId: string): Promise<ErasureAnswer> {
  const { store } = servicesOf(c.env);
  const deadline = Date.now() + ERASURE_WORK_MS;
  const erasure = await beginOrResume(store, userId);
  if (!erasure) return eraseRemains(c, userId, deadline);
  const isLast = Date.now() >= finishAfter(erasure);
  const shown = await lookForPlaces(store, userId, isLast ? ERASURE_PAUSE_MS : 0);
  // Before they are given up: were this call cut short, the next could not tell where they were.
  const isUnderWay = await recordLeft(store, erasure, await confirmPlaces(store, shown.places));
  // Another call has finished it meanwhile: what is shown now may be of somebody new with this id.
  if (!isUnderWay) return { status: 'ERASED', left: erasure.left };
  const look = await giveUpAll(c, userId, shown, deadline);
  const left = await writeDown(store, erasure, look.left);
  if (isLast && !look.isCut) {
    await endErasure(store, erasure);
    return { status: 'ERASED', left };
  }
  const until = new Date(Math.max(finishAfter(erasure), Date.now())).toISOString();
  return { status: 'ERASING', left, finishAfter: until };
}

/** Writes down what was given up, and tells all that was: another call may have done some of it. */
async function writeDown(
  store: Store,
  erasure: Erasure,
  places: LeftPlace[],
): Promise<LeftPlace[]> {
  const before = await readHolder(store, erasure.userId);
  const known = before.type === 'erasing' ? before.erasure : erasure;
  const left = mergePlaces(known.left, places);
  await recordLeft(store, known, left);
  return left;
}

/** The erasure of a user: begun now, or the one that is under way; null when nobody has the id. */
async function beginOrResume(store: Store, userId: string): Promise<Erasure | null> {
  for (;;) {
    const holder = await readHolder(store, userId);
    if (holder.type === 'nobody') return null;
    if (holder.type === 'erasing') return holder.erasure;
    // Before anything is begun that could not be finished: without its indexes it could not.
    await lookForPlaces(store, userId);
    const erasure = await beginErasure(store, holder.user);
    if (erasure) return erasure;
  }
}

/**
 * Gives up what is held under an id that nobody has: what the seed system left behind, or an index that was
 * behind for longer than an erasure takes.
 */
async function eraseRemains(
  c: RouteContext,
  userId: string,
  deadline: number,
): Promise<ErasureAnswer> {
  const shown = await lookForPlaces(servicesOf(c.env).store, userId);
  const { left, isCut } = await giveUpAll(c, userId, shown, deadline);
  if (left.length === 0) throw new NotFoundError(`There is no user ${userId}.`);
  if (isCut)
    return { status: 'ERASING', left: mergePlaces(left), finishAfter: new Date().toISOString() };
  return { status: 'ERASED', left: mergePlaces(left) };
}

/** Has every event give up the user's place. One that can't holds up no other. */
async function giveUpAll(
  c: RouteContext,
  userId: string,
  { places, isCut }: { places: Nominee[]; isCut: boolean },
  deadline: number,
): Promise<Look> {
  const left: LeftPlace[] = [];
  const faults: string[] = [];
  const open = [...places];
  const work = async () => {
    while (Date.now() < deadline) {
      const place = open.shift();
      if (!place) return;
      try {
        const status = await giveUp(c, userId, place);
        if (status !== null) left.push({ eventId: place.eventId, status });
      } catch (error) {
        faults.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: ERASURE_MAX_IN_FLIGHT }, work));
  if (faults.length > 0) {
    throw new UnavailableError(
      `User ${userId} is being erased. ${faults.length} of their places could not be given up yet; send the request again. ${faults[0]}`,
    );
  }
  return { left, isCut: isCut || open.length > 0 };
}

/** Gives up the place in one event; null where there was none any more. */
async function giveUp(
  c: RouteContext,
  userId: string,
  place: Nominee,
): Promise<LeftPlace['status'] | null> {
  const { eventId } = place;
  const command = { type: 'giveUp', userId } as const;
  const object = eventObject(c.env, eventId);
  const reply = (await object.execute(command, undefined, actorOf(c))) as Reply;
  if (reply.type === 'gaveUp') return reply.status;
  const { store } = servicesOf(c.env);
  const isOrphan = reply.type === 'refused' && reply.reason === 'no-such-event';
  // The object may know less than the table: only the table proves that there is no event.
  if (!isOrphan || (await isEvent(store, eventId))) throw toReplyError(reply, { eventId, userId });
  await deleteOrphan(store, place);
  return place.status;
}
