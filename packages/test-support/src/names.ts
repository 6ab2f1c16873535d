import { randomBytes } from 'node:crypto';

/** A router name that no other test uses, also when servers are shared by several runs. */
export function newRouterName(): string {
  return `r-${randomBytes(6).toString('hex')}`;
}

/** Settings that keep managers apart from all others on the same servers. */
export function ownNames(): {
  readonly MGM_PREFIX: string;
  readonly MGM_KEY_PREFIX: string;
} {
  const unique = `t${randomBytes(6).toString('hex')}`;
  return { MGM_PREFIX: `${unique}.v1`, MGM_KEY_PREFIX: unique };
}
