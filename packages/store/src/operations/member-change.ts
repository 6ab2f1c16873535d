import {
  entryName,
  refusal,
  type FailedElement,
  type InterfaceKey,
  type MemberElement,
  type MemberElements,
  type RefusedElement,
  type RefusalFields,
  type ReplyBody,
  type Request,
} from '@mgm/protocol';
import type {
  MemberAddArgs,
  MemberAddScriptReply,
  MemberDeleteScriptReply,
} from '../generated/arbiter.ts';
import { interfaceName, readHandle } from '../names.ts';
import { otherEpoch, ownedByAnother } from './holders.ts';
import { changeRefused } from './refusals.ts';

/** The sweep has yet to write overrides into many forwarding entries. */
const RULES_FULL = refusal('overloaded', 'too many overrides are still being written', {
  retryable: true,
  retryAfterMs: 100,
});

/** The codes of elements in the script: see lua/lib/member_change.lua. */
const JOIN = 0;
const FORWARD = 1;
const FORWARD_EXACT = 2;
const INVALID = { group: 3, source: 4, flags: 5, ssm: 6 } as const;

/** The arguments that `member.add` and `member.delete` share. */
export function memberArgs(request: Request<'member.add' | 'member.delete'>): MemberAddArgs {
  const { handle, seq, ack, elements, bulk, epoch = '' } = request;
  return {
    handle: readHandle(handle),
    seq,
    ack,
    interfaces: elements,
    entries: elements.map((element) => ('refused' in element ? '' : entryName(element))),
    codes: elements.map(codeOf),
    epoch,
    single: !bulk,
  };
}

function codeOf(element: MemberElement | RefusedElement): number {
  if ('refused' in element) {
    const { reason, field } = element.refused;
    return INVALID[reason === 'ssm-needs-source' ? 'ssm' : (field ?? 'group')];
  }
  if (!element.forward) return JOIN;
  return element.source === '' ? FORWARD : FORWARD_EXACT;
}

/** The operation: its name decides the status of an interface that is not held. */
type MemberOperation = 'member.add' | 'member.delete';

/** The body of the reply to `member.add` or `member.delete`. */
export function memberReply(
  change: MemberOperation,
  reply: MemberAddScriptReply | MemberDeleteScriptReply,
  { elements, bulk }: MemberElements,
): ReplyBody<MemberOperation> {
  switch (reply.kind) {
    case 'changed': {
      const { count, mrev, failed } = reply;
      if (bulk) {
        return {
          status: 0,
          count,
          failed: failed.map(({ index, reason }) => failedElement(change, index, reason)),
          mrev,
        };
      }
      const [element] = elements;
      const [failure] = failed;
      if (failure && element) return refused(change, failure.reason, element);
      return { status: 0, changed: count > 0, mrev };
    }
    case 'forwarded': {
      const { matched, changed, mrev } = reply;
      return { status: 0, changed, matched, mrev };
    }
    case 'rules_full':
      return RULES_FULL;
    case 'not_owner':
      return ownedByAnother(reply.holder);
    case 'other_epoch':
      return otherEpoch(reply.current);
    default:
      return changeRefused(reply);
  }
}

/** The refusal of the only element of a request. */
function refused(change: MemberOperation, reason: string, on: InterfaceKey): RefusalFields {
  const name = interfaceName(on);
  switch (reason) {
    case 'not_found':
      return refusal(
        change === 'member.add' ? 'unknownInterface' : 'notFound',
        `no session is on ${name}`,
      );
    case 'no_membership':
      return refusal('noMembership', `the session has no such membership on ${name}`);
    case 'no_mfe':
      return refusal('noMfe', 'there is no forwarding entry for this source and group');
    default:
      return refusal(
        'limit',
        'the router has as many entries, or holds with memberships, as it may have',
      );
  }
}

/** An element of `failed`, by the reason of the script. */
function failedElement(change: MemberOperation, index: number, reason: string): FailedElement {
  switch (reason) {
    case 'group':
    case 'source':
    case 'flags':
      return [index, 87, 'bad-request', reason];
    case 'ssm':
      return [index, 87, 'ssm-needs-source'];
    case 'not_owner':
      return [index, 87, 'not-owner'];
    case 'not_found':
      return [index, change === 'member.add' ? 87 : 1168, 'not-found'];
    case 'no_membership':
      return [index, 1168, 'no-membership'];
    case 'no_mfe':
      return [index, 1003, 'no-mfe'];
    default:
      return [index, 1003, 'limit'];
  }
}
