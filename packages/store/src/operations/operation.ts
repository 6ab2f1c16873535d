import type { OperationName, ReplyBody, Request } from '@mgm/protocol';
import type { ArbiterArgs, ArbiterOperation } from '../generated/arbiter.ts';
import type { Decision } from '../queued-operation.ts';

/** How the store executes one operation of the wire contract. */
export interface StoreOperation<Name extends OperationName, Script extends ArbiterOperation> {
  /** The name of its Lua file. */
  readonly script: Script;
  /** The arguments of the script. Throws `RangeError` for a cursor that is not one of ours. */
  args(request: Request<Name>): ArbiterArgs[Script];
  /** The body of the reply, decoded from the script reply. */
  reply(decision: Decision<Script>, request: Request<Name>): ReplyBody<Name>;
}
