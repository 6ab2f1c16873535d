import { randomBytes } from 'node:crypto';

/** A router name that no other test uses. */
export function newRouter(): string {
  return `demo-${randomBytes(6).toString('hex')}`;
}
