import { described, holder, interfaces, release, take, validate } from './interfaces-model.ts';
import type { RouterModel, Session } from './router-model.ts';
import { acknowledge, once, refused, refusedHandle } from './sequence-model.ts';
import type {
  Reply,
  Deregister,
  InterfaceName,
  Outcome,
  Register,
  Request,
  SequencedRequest,
} from './vocabulary.ts';

type RequestOf<Kind extends Request['kind']> = Extract<Request, { readonly kind: Kind }>;

const DONE: Reply = { status: 0 };

/** Decides one request (section 3). The replies of `mailbox` and `events` follow from the log: see `LogModel`. */
export function decide(router: RouterModel, request: Request): Outcome {
  switch (request.kind) {
    case 'take':
    case 'release':
    case 'deregister':
      return once(router, request, (session) => change(router, session, request));
    case 'register':
      return { reply: register(router, request) };
    case 'keepalive':
      return { reply: keepalive(router, request) };
    case 'owner':
      return { reply: holder(router, request.on) ?? refused(1168, 'not-found') };
    case 'validate':
      return { reply: validate(router, request.on, request.epoch) };
    case 'interfaces':
      return { reply: { status: 0, items: interfaces(router, request) } };
    case 'sessions':
      return { reply: { status: 0, items: sessions(router) } };
    case 'events':
      return { reply: DONE };
    case 'mailbox':
      return { reply: refusedHandle(router.sessionOf(request.handle)) ?? DONE };
    case 'admin.release':
      return { reply: adminRelease(router, request) };
    case 'admin.evict':
      return { reply: adminEvict(router, request) };
  }
}

/** "Rules of `register`", section 3. */
function register(router: RouterModel, request: Register): Reply {
  const present = router.present(request.pair);
  if (present?.state === 'live' && present.instance === request.instance) {
    // Section 7: a session lives its ttl from its last `register`, so a retry renews it.
    present.expiresAt = router.nowMs + present.ttlMs;
    return registered(present);
  }
  if (present?.state === 'live' && !request.takeover) return refused(183, 'already-registered');
  if (present) return registered(inherit(router, present, request));
  const session = router.open(request);
  router.say('now', 'registered', session);
  return registered(session);
}

/** All interfaces of `previous` now belong to the new session, under one new epoch; the old handle is dead. */
function inherit(router: RouterModel, previous: Session, request: Register): Session {
  const held = router.heldBy(previous);
  const epoch = router.newEpoch();
  router.end(previous, 'superseded');
  const session = router.open(request, { owned: held.length, epoch });
  for (const on of held) router.placesOf(session).set(on, { session, epoch });
  router.say('now', 'resumed', session, { previous: previous.number, epoch });
  return session;
}

function registered({ number, ttlMs, graceMs, inherited }: Session): Reply {
  const resumed = inherited !== undefined;
  const { owned, epoch } = inherited ?? {};
  return { status: 0, session: number, ttlMs, graceMs, resumed, owned, epoch };
}

/** Section 7: a session lives its ttl from its last keepalive, and only a live one is kept alive. */
function keepalive(router: RouterModel, { handle, ack }: RequestOf<'keepalive'>): Reply {
  const session = router.sessionOf(handle);
  const refusal = refusedHandle(session);
  if (!session || refusal) return refusal ?? DONE;
  session.expiresAt = router.nowMs + session.ttlMs;
  if (ack !== undefined) acknowledge(session, ack);
  return { status: 0, ttlMs: session.ttlMs };
}

/** Section 3: in a bulk request each interface is decided on its own, in order. */
function change(router: RouterModel, session: Session, request: SequencedRequest): Reply {
  if (request.kind === 'deregister') return deregister(router, session, request);
  const decideOne = (on: InterfaceName): Reply =>
    request.kind === 'take'
      ? take(router, session, on)
      : release(router, session, on, request.epoch);
  const results = request.on.map(decideOne);
  return request.bulk ? { status: 0, results } : (results[0] ?? DONE);
}

/** Semantics 1.3 and B6: `force` releases first, in the same step. */
function deregister(router: RouterModel, session: Session, { force }: Deregister): Reply {
  if (!force && router.heldBy(session).length > 0) return refused(1003, 'owns-interfaces');
  router.loseAll(session, 'release');
  router.say('now', 'deregistered', session);
  router.end(session, 'deregistered');
  return DONE;
}

function sessions(router: RouterModel): object[] {
  const present = router.sessions.filter(({ state }) => state !== 'over');
  return present.map((one) => ({
    ...{ session: one.number, ...one.pair, state: one.state },
    expiresInMs: one.expiresAt - router.nowMs,
    interfaces: router.heldBy(one).length,
  }));
}

/** Takes an interface from its owner, whose session continues. */
function adminRelease(router: RouterModel, { on, ...by }: RequestOf<'admin.release'>): Reply {
  const hold = router.owners.get(on) ?? router.igmp.get(on);
  if (!hold) return refused(1168, 'not-found');
  const previous = described(router, hold.session, on);
  router.lose(hold.session, on, 'admin', { by: { actor: by.actor, why: by.why } });
  return { status: 0, previous };
}

/** Ends a session, live or in its grace time; all its interfaces are free immediately. */
function adminEvict(router: RouterModel, request: RequestOf<'admin.evict'>): Reply {
  const session = router.sessions[request.session - 1];
  if (!session || session.state === 'over') return refused(1168, 'not-found');
  const by = { actor: request.actor, why: request.why };
  const released = router.heldBy(session).length;
  router.say('now', 'evicted', session, by);
  router.end(session, 'evicted');
  router.loseAll(session, 'evict', by);
  return { status: 0, released };
}
