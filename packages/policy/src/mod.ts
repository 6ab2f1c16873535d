export { PolicyError } from './document.ts';
export { Policy } from './policy.ts';
export type { PolicyDecision, PolicyQuestion, Quota } from './policy.ts';
