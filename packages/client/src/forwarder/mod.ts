export { ForwarderAgent } from './agent.ts';
export type { ForwarderOptions, ForwarderState } from './agent.ts';
export type { RefusedFlow } from './flow-queue.ts';
export type { ForwardingPlane } from './plane.ts';
