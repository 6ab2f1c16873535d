export { ForwarderAgent } from './agent.ts';
export type { ForwarderOptions, ForwarderState, ForwardingPlane } from './options.ts';
export type { RefusedFlow } from './flow-queue.ts';
