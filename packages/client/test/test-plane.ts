import type { Mfe, MfeCounters } from '../src/mod.ts';
import type { ForwardingPlane } from '../src/forwarder/mod.ts';

/** A forwarding plane in memory, and what it was told in order. */
export class TestPlane implements ForwardingPlane {
  readonly installed = new Map<string, Mfe>();
  readonly calls: string[] = [];
  /** Sources whose entries can't be installed. */
  readonly full = new Set<string>();
  /** Packets that arrived, by source. */
  readonly packets = new Map<string, number>();
  flushes = 0;
  statsCalls = 0;

  set(mfe: Mfe): void {
    this.calls.push(`set ${mfe.source} ${mfe.oifs.map(([ifIndex]) => ifIndex).join('+')}`);
    if (this.full.has(mfe.source)) throw new Error('ENFILE: no free vif');
    this.installed.set(mfe.source, mfe);
  }

  delete(mfe: Mfe): MfeCounters {
    this.calls.push(`delete ${mfe.source}`);
    this.installed.delete(mfe.source);
    return this.#countersOf(mfe);
  }

  stats(): MfeCounters[] {
    this.statsCalls++;
    return [...this.installed.values()].map((mfe) => this.#countersOf(mfe));
  }

  #countersOf({ group, source, incarnation }: Mfe): MfeCounters {
    return { group, source, incarnation, inPkts: this.packets.get(source) ?? 0 };
  }

  flush(): void {
    this.calls.push('flush');
    this.flushes++;
    this.installed.clear();
  }

  /** What it forwards: source, incoming and outgoing interfaces, by source. */
  get forwarded(): string[] {
    return [...this.installed.values()].map(textOf).toSorted();
  }
}

export function textOf({ source, ifIndex, oifs }: Mfe): string {
  return `${source} ${ifIndex} to ${oifs.map(([number]) => number).join('+') || 'none'}`;
}
