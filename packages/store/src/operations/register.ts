import { randomBytes } from 'node:crypto';
import { ALERT_TYPES, isIgmp, refusal, type AlertType } from '@mgm/protocol';
import { writeHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { limitReached, STORE_FULL } from './refusals.ts';

export const register: StoreOperation<'register', 'register'> = {
  script: 'register',
  args: (request) => ({
    ...request,
    isIgmp: isIgmp(request.protocolId),
    resumes: request.resumes ?? 0,
    mask: maskOf(request.alerts ?? []),
    secret: randomBytes(16).toString('base64url'),
  }),
  reply: ({ reply }) => {
    if (reply.kind === 'store_full') return STORE_FULL;
    if (reply.kind === 'of_another_identity')
      return refusal('notPermitted', 'the client belongs to another identity');
    if (reply.kind === 'too_many_sessions') {
      return limitReached('the router has as many sessions as it may have');
    }
    if (reply.kind === 'quota_reached') {
      return limitReached('the caller has as many sessions on this router as its quota allows');
    }
    if (reply.kind === 'already_registered') {
      return refusal(
        'alreadyRegistered',
        `this (protocol, component) is already registered by session ${reply.session}${reply.name && ` (${reply.name})`}; its lease has ${reply.expiresInMs} ms left`,
      );
    }
    const { session, ttlMs, graceMs, mailbox, resumed, owned, epoch } = reply;
    return {
      status: 0,
      handle: writeHandle(reply.client, session, reply.secret),
      session,
      ttlMs,
      graceMs,
      mailbox,
      resumed,
      ...(resumed && { owned, ...(epoch && { epoch }) }),
      alerts: ALERT_TYPES.filter((type) => (reply.alerts & maskOf([type])) !== 0),
    };
  },
};

/** The alert types as the script keeps them: a bit each, in their order. */
function maskOf(types: readonly AlertType[]): number {
  return ALERT_TYPES.reduce(
    (mask, type, at) => (types.includes(type) ? mask | (1 << at) : mask),
    0,
  );
}
