/** How full the queue of a manager is. */
export interface QueueState {
  /** Operations that may be queued. */
  readonly max: number;
  /** Queued operations: in total, of the router in question, and of the flow in question. */
  readonly queued: number;
  readonly ofRouter: number;
  readonly ofFlow: number;
}

/**
 * The share of the free room that one router, or one flow, may occupy: the fuller the queue, the less. No router or session
 * can fill the queue alone, and one that has nothing queued finds room.
 */
const ROUTER_SHARE = 4;
const FLOW_SHARE = 1;

/** Whether one more operation may be queued. */
export function hasRoom({ max, queued, ofRouter, ofFlow }: QueueState): boolean {
  const free = max - queued;
  return free > 0 && ofRouter < free * ROUTER_SHARE && ofFlow < free * FLOW_SHARE;
}

/** Whether one more high-priority operation may be queued: up to twice as many in total. */
export function hasHighPriorityRoom({ max, queued }: Pick<QueueState, 'max' | 'queued'>): boolean {
  return queued < 2 * max;
}

/** A shorter delay would only add load; a longer one cannot be predicted. */
const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 2000;

/** When to retry, in ms: once the operations queued now are decided, at the present rate. */
export function retryAfterMs(queued: number, perRound: number, batchMs: number): number {
  const ms = Math.ceil(queued / perRound) * batchMs;
  return Math.round(Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, ms)));
}
