import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { FlowRef, Mfe, MfeCounters, MfeRef } from '@mgm/client';
import type { ForwardingPlane } from '@mgm/client/forwarder';

/** A packet as it travels between interfaces: source and group in its first eight bytes, then its content. */
const HEADER_BYTES = 8;
/** Packets kept of a flow without entry, and flows that have some: as a kernel does. */
const KEPT_PACKETS = 4;
const KEPT_FLOWS = 1_000;

/** An interface of this forwarder: packets arrive on `port` and leave to `peerPort`, both of 127.0.0.1. */
export interface UdpInterface {
  readonly ifIndex: number;
  readonly port: number;
  readonly peerPort: number;
}

/** An entry, and what was counted since its incarnation was installed. */
interface Installed {
  mfe: Mfe;
  inPkts: number;
  inOctets: number;
  pktsDifferentIf: number;
  negativeMfe: number;
  /** Packets by outgoing interface. */
  readonly outPackets: Map<number, number>;
}

/** Forwards packets between UDP sockets by the entries that it is given. */
export class UdpPlane implements ForwardingPlane, AsyncDisposable {
  readonly #entries = new Map<string, Installed>();
  readonly #kept = new Map<string, { readonly ifIndex: number; readonly packet: Buffer }[]>();
  readonly #sockets = new Map<number, { readonly socket: Socket; readonly peerPort: number }>();
  /** Called for the packets of a flow without entry. */
  onNewFlow: (flow: FlowRef) => void = () => {};
  /** Called for a packet on another interface than the incoming one of its entry. */
  onWrongIf: (packet: FlowRef) => void = () => {};

  static async open(interfaces: readonly UdpInterface[]): Promise<UdpPlane> {
    const plane = new UdpPlane();
    for (const { ifIndex, port, peerPort } of interfaces) {
      const socket = createSocket('udp4');
      socket.on('message', (packet) => plane.#arrived(ifIndex, packet));
      socket.bind(port, '127.0.0.1');
      await once(socket, 'listening');
      plane.#sockets.set(ifIndex, { socket, peerPort });
    }
    return plane;
  }

  set(mfe: Mfe): void {
    const key = keyOf(mfe);
    const known = this.#entries.get(key);
    if (known) known.mfe = mfe;
    else this.#entries.set(key, uncounted(mfe));
    const kept = this.#kept.get(key) ?? [];
    this.#kept.delete(key);
    for (const { ifIndex, packet } of kept) this.#arrived(ifIndex, packet);
  }

  delete(mfe: Mfe): MfeCounters | undefined {
    const entry = this.#entries.get(keyOf(mfe));
    this.#entries.delete(keyOf(mfe));
    return entry && countersOf(entry);
  }

  stats(): MfeCounters[] {
    return Array.from(this.#entries.values(), countersOf);
  }

  flush(): void {
    this.#entries.clear();
    this.#kept.clear();
  }

  /** The flow gets no entry. */
  drop(flow: MfeRef): void {
    this.#kept.delete(keyOf(flow));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#sockets.values()) {
      socket.close();
      await once(socket, 'close');
    }
  }

  #arrived(ifIndex: number, packet: Buffer): void {
    if (packet.length < HEADER_BYTES) return;
    const flow = { source: addressAt(packet, 0), group: addressAt(packet, 4) };
    const entry = this.#entries.get(keyOf(flow));
    if (!entry) return this.#unknown(ifIndex, packet, flow);
    const { mfe, outPackets } = entry;
    entry.inPkts++;
    entry.inOctets += packet.length;
    if (mfe.ifIndex !== ifIndex) {
      entry.pktsDifferentIf++;
      this.onWrongIf({ ...flow, ifIndex, header: packet.subarray(0, HEADER_BYTES) });
      return;
    }
    if (mfe.oifs.length === 0) entry.negativeMfe++;
    for (const [oif] of mfe.oifs) {
      const out = this.#sockets.get(oif);
      if (!out) continue;
      out.socket.send(packet, out.peerPort, '127.0.0.1');
      outPackets.set(oif, (outPackets.get(oif) ?? 0) + 1);
    }
  }

  /** Keeps the first packets of a flow until its entry arrives. */
  #unknown(ifIndex: number, packet: Buffer, flow: MfeRef): void {
    const key = keyOf(flow);
    const kept = this.#kept.get(key) ?? [];
    if (kept.length < KEPT_PACKETS) kept.push({ ifIndex, packet });
    if (this.#kept.size < KEPT_FLOWS) this.#kept.set(key, kept);
    this.onNewFlow({ ...flow, ifIndex, header: packet.subarray(0, HEADER_BYTES) });
  }
}

function uncounted(mfe: Mfe): Installed {
  return { mfe, inPkts: 0, inOctets: 0, pktsDifferentIf: 0, negativeMfe: 0, outPackets: new Map() };
}

function countersOf({ mfe, outPackets, ...counted }: Installed): MfeCounters {
  const { group, source, incarnation } = mfe;
  const oifs = Array.from(outPackets, ([ifIndex, packets]) => ({ ifIndex, outPackets: packets }));
  return { group, source, incarnation, ...counted, oifs };
}

function keyOf({ group, source }: MfeRef): string {
  return `${source},${group}`;
}

function addressAt(packet: Buffer, at: number): string {
  return packet.subarray(at, at + 4).join('.');
}
