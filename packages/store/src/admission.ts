/** How full the queue of a manager is. */
export interface Fullness {
  /** Operations that may wait. */
  readonly most: number;
  /** Operations that wait, of all routers, of the router asked for, and of the session that asks. */
  readonly waiting: number;
  readonly ofRouter: number;
  readonly ofSession: number;
}

/**
 * How much of what is still free one router, and one session, may have waiting: the fuller the queue is, the less. So
 * nobody fills it alone, and there is room for whoever has nothing waiting yet.
 */
const ROUTER_SHARE = 4;
const SESSION_SHARE = 1;

/** Whether one more operation may wait. */
export function hasRoom({ most, waiting, ofRouter, ofSession }: Fullness): boolean {
  const free = most - waiting;
  return free > 0 && ofRouter < free * ROUTER_SHARE && ofSession < free * SESSION_SHARE;
}

/** Whether one more urgent operation may wait: these are let in where others are refused, up to as many again. */
export function hasUrgentRoom({ most, waiting }: Pick<Fullness, 'most' | 'waiting'>): boolean {
  return waiting < 2 * most;
}

/** Shorter is a hammer, longer is a guess. */
const LEAST_MS = 20;
const MOST_MS = 2000;

/** When to come back, in ms: when what waits now is decided, by how long calls take of late. */
export function retryAfterMs(waiting: number, perCall: number, callMs: number): number {
  const ms = Math.ceil(waiting / perCall) * callMs;
  return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, ms)));
}
