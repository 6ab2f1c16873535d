import type { Epoch } from '../ids.ts';
import { epoch, onInterface, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Checks whether an epoch is the one in force on an interface. */
export const validate = READ satisfies OperationFlags;

export const validateRequest = request(onInterface, { epoch });

export interface ValidateReply {
  readonly current: Epoch;
}
