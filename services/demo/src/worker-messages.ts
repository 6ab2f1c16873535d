/** What a worker tells the process that started it, for the view. */
export type WorkerMessage = {
  /** IGMP was disabled on an interface and enabled again, because its owner changed. */
  readonly kind: 'igmp-restarted';
  /** As the view names it. */
  readonly interface: string;
};

/** Reads a message of a worker; `undefined` for anything else. */
export function readWorkerMessage(message: unknown): WorkerMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  if (!('kind' in message) || message.kind !== 'igmp-restarted') return undefined;
  if (!('interface' in message) || typeof message.interface !== 'string') return undefined;
  return { kind: message.kind, interface: message.interface };
}
