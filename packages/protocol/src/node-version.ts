/** The oldest supported Node, as in `engines` of every package. */
const OLDEST = [22, 18] as const;

/** Why this Node is too old, in one line; `undefined` if it is supported. */
export function unsupportedNode(version: string = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isSupported = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return isSupported
    ? undefined
    : `needs Node ${OLDEST.join('.')} or newer, this is ${major}.${minor}`;
}
