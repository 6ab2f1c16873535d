import type { Names } from './names.ts';
import type { Handle, InterfaceName, Request } from './vocabulary.ts';

/** The spellings of a next hop (section 2): each client uses another one. */
const SPELLINGS: Readonly<Record<string, readonly unknown[]>> = {
  '': [undefined, '', 0, '0.0.0.0', '::'],
  '10.0.0.1': ['10.0.0.1', 0x0a000001],
  '2001:db8::1': ['2001:db8::1', '2001:DB8:0:0::0001'],
};

/** The fields of a request as a client sends them, equal for equal requests. */
export function fieldsOf(
  request: Request,
  names: Names,
  realHandle: (handle: Handle) => string,
): Readonly<Record<string, unknown>> {
  switch (request.kind) {
    case 'register': {
      const { pair, instance, ttlMs, graceMs, takeover } = request;
      return { ...pair, instance, ttlMs, graceMs, takeover };
    }
    case 'take':
    case 'release': {
      const { handle, seq, ack, on, bulk } = request;
      const epoch = request.kind === 'release' && request.epoch;
      return {
        ...{ handle: realHandle(handle), seq, ack },
        ...(bulk ? { interfaces: on.map((one, at) => pairOf(one, seq + at)) } : target(on[0], seq)),
        ...(typeof epoch === 'number' && { epoch: names.realEpoch(epoch) }),
      };
    }
    case 'deregister':
    case 'keepalive':
    case 'mailbox': {
      const { kind, handle, ...fields } = request;
      return { handle: realHandle(handle), ...fields };
    }
    case 'owner':
      return target(request.on, 1);
    case 'validate':
      return { ...target(request.on, 1), epoch: names.realEpoch(request.epoch) };
    case 'admin.release':
      return { ...target(request.on, 1), actor: request.actor, why: request.why };
    case 'admin.evict': {
      const { session, actor, why } = request;
      return { session: names.realSession(session), actor, why };
    }
    case 'interfaces': {
      const { limit, session, protocolId } = request;
      return {
        limit,
        ...(session !== undefined && { session: names.realSession(session) }),
        ...(protocolId !== undefined && { protocolId }),
      };
    }
    case 'events':
      return { from: request.from, limit: request.limit };
    case 'sessions':
      return { limit: request.limit };
  }
}

function target(
  on: InterfaceName | undefined,
  nth: number,
): { ifIndex: unknown; nextHop: unknown } {
  const [ifIndex, nextHop] = pairOf(on ?? '1:', nth);
  return { ifIndex, nextHop };
}

function pairOf(on: InterfaceName, nth: number): [ifIndex: unknown, nextHop: unknown] {
  const colon = on.indexOf(':');
  const spellings = SPELLINGS[on.slice(colon + 1)] ?? [on.slice(colon + 1)];
  return [Number(on.slice(0, colon)), spellings[nth % spellings.length]];
}
