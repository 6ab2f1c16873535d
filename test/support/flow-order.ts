/** An exact (s,g) as messages name it. */
export interface FlowName {
  readonly group: string;
  readonly source: string;
}

export function flowKey({ group, source }: FlowName): string {
  return `${group} ${source}`;
}

/** Whether one (s,g) is before another in listings: by family, group, source as numbers (membership contract, section 4.3). */
export function isBefore(one: FlowName, other: FlowName): boolean {
  return orderOf(one) < orderOf(other);
}

function orderOf({ group, source }: FlowName): string {
  return `${group.includes(':') ? 6 : 4}${digitsOf(group)}${digitsOf(source)}`;
}

/** An address as hexadecimal digits of a fixed number per family. */
function digitsOf(address: string): string {
  if (!address.includes(':')) {
    return address
      .split('.')
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('');
  }
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((part) => part.padStart(4, '0')).join('');
}
