/** A message of a worker to its parent, for the view. */
export type WorkerMessage = {
  /** IGMP was disabled and enabled again on an interface, because its owner changed. */
  readonly kind: 'igmp-restarted';
  /** The text of the interface. */
  readonly interface: string;
};

/** Decodes a message of a worker; `undefined` for anything else. */
export function readWorkerMessage(message: unknown): WorkerMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  if (!('kind' in message) || message.kind !== 'igmp-restarted') return undefined;
  if (!('interface' in message) || typeof message.interface !== 'string') return undefined;
  return { kind: message.kind, interface: message.interface };
}
