import type { AlertItem } from '@mgm/client';

const ALERT_TYPES = ['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN', 'LOCAL_LEAVE'] as const;
/** The type of an alert. */
export type AlertType = AlertItem['type'];

/** A message of a worker to its parent, for the view. */
export type WorkerMessage =
  /** IGMP was disabled and enabled again on an interface, because its owner changed. */
  | {
      readonly kind: 'igmp-restarted';
      /** The text of the interface. */
      readonly interface: string;
    }
  /** A routing protocol was alerted. */
  | { readonly kind: 'alerted'; readonly protocol: string; readonly type: AlertType };

/** Decodes a message of a worker; `undefined` for anything else. */
export function readWorkerMessage(message: unknown): WorkerMessage | undefined {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return undefined;
  if (message.kind === 'igmp-restarted') {
    if (!('interface' in message) || typeof message.interface !== 'string') return undefined;
    return { kind: message.kind, interface: message.interface };
  }
  if (message.kind !== 'alerted') return undefined;
  if (!('protocol' in message) || typeof message.protocol !== 'string') return undefined;
  const type = ALERT_TYPES.find((one) => 'type' in message && message.type === one);
  return type && { kind: message.kind, protocol: message.protocol, type };
}
