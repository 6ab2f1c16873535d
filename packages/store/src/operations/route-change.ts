import type { FailedRoute, ReplyBody } from '@mgm/protocol';
import type {
  RibDeleteScriptReply,
  RibSetScriptReply,
  RouteFailure,
} from '../generated/arbiter.ts';
import { changeRefused } from './refusals.ts';

/** An element of `rib.set` or `rib.delete`: the name of its prefix, or the field that makes it none. */
type Element = { readonly prefix: string } | { readonly fault: string };

/** The arguments of the script that name the prefixes; `''` stands for none. */
export function prefixArgs(elements: readonly Element[]): { prefixes: string[]; faults: string[] } {
  return {
    prefixes: elements.map((one) => ('prefix' in one ? one.prefix : '')),
    faults: elements.map((one) => ('fault' in one ? one.fault : '')),
  };
}

/** The body of the reply to `rib.set` or `rib.delete`. */
export function routeReply(
  reply: RibSetScriptReply | RibDeleteScriptReply,
): ReplyBody<'rib.set' | 'rib.delete'> {
  switch (reply.kind) {
    case 'changed': {
      const { count, failed, rrev } = reply;
      return { status: 0, count, failed: failed.map(failedRoute), rrev };
    }
    default:
      return changeRefused(reply);
  }
}

function failedRoute({ index, reason }: RouteFailure): FailedRoute {
  if (reason === 'network' || reason === 'length') return [index, 87, 'bad-request', reason];
  return [index, 1003, 'limit'];
}
