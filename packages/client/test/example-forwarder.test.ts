import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { eventually, newRouterName, TestProcess } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { forwardingScene, G, S } from './forwarding-scene.ts';
import { clientStage } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const PROGRAM = new URL('../../../examples/forwarder/forwarder.ts', import.meta.url);

/** What is connected to one interface of the forwarder. */
class Peer implements AsyncDisposable {
  readonly received: string[] = [];
  readonly #socket: Socket = createSocket('udp4');

  static async open(): Promise<Peer> {
    const peer = new Peer();
    peer.#socket.on('message', (packet) => void peer.received.push(packet.toString('utf8', 8)));
    peer.#socket.bind(0, '127.0.0.1');
    await once(peer.#socket, 'listening');
    return peer;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends packets of (S,G) with these contents, one after the other. */
  async send(port: number, ...contents: string[]): Promise<void> {
    const header = Buffer.from(`${S}.${G}`.split('.').map(Number));
    for (const content of contents) {
      const packet = Buffer.concat([header, Buffer.from(content)]);
      await new Promise<void>((resolve, reject) =>
        this.#socket.send(packet, port, '127.0.0.1', (error) =>
          error ? reject(error) : resolve(),
        ),
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  await using peer = await Peer.open();
  return peer.port;
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);

describe('the example of a forwarder', () => {
  it('forwards packets as the entries say, the first ones of a flow included', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const { downstream } = await forwardingScene(mgm);
    await using source = await Peer.open();
    await using three = await Peer.open();
    await using four = await Peer.open();
    const ports = [await freePort(), await freePort(), await freePort()];
    const [first = 0, second = 0] = ports;
    const interfaces = [
      `1:${first}:${source.port}`,
      `3:${second}:${three.port}`,
      `4:${ports[2]}:${four.port}`,
    ];
    const args = ['--nats', stage.servers.nats.url, '--router', router, ...interfaces];
    await using forwarder = TestProcess.node(PROGRAM, args);
    await forwarder.prints(/forwarding between interfaces 1, 3, 4/);

    const begin = numbered('a', 3);
    await source.send(first, ...begin);
    await eventually(() => expect(three.received).toEqual(begin), MS);
    const more = numbered('b', 100);
    await source.send(first, ...more);
    await eventually(() => expect(three.received).toEqual([...begin, ...more]), MS);
    expect([four.received, source.received]).toEqual([[], []]);

    await downstream.addGroupMembershipEntry({ ifIndex: 4, group: G });
    await eventually(async () => {
      await source.send(first, 'c');
      expect(four.received).toContain('c');
    }, MS);
    await downstream.deleteGroupMembershipEntry({ ifIndex: 3, group: G });
    // A packet that leaves to 4 only shows that the entry has changed.
    await eventually(async () => {
      const before = three.received.length;
      await source.send(first, 'd');
      await eventually(() => expect(four.received.at(-1)).toBe('d'), MS);
      expect(three.received).toHaveLength(before);
    }, MS);
    const threeHad = three.received.length;
    const lastAt = (peer: Peer) => peer.received.filter((content) => content.startsWith('e'));
    const last = numbered('e', 50);
    await source.send(second, ...numbered('wrong', 50));
    await source.send(first, ...last);
    await eventually(() => expect(lastAt(four)).toEqual(last), MS);
    expect([three.received.length, source.received]).toEqual([threeHad, []]);
    expect(four.received.filter((content) => content.startsWith('wrong'))).toEqual([]);

    await eventually(async () => {
      const counted = await mgm.getMfeStats({ group: G, source: S });
      expect(counted).toMatchObject({
        ...{ pktsDifferentIf: 50, negativeMfe: 0 },
        totalOutPackets: three.received.length + four.received.length,
        oifs: [[4, '', 0, 0, four.received.length, 0]],
      });
    }, MS);

    forwarder.child.kill('SIGTERM');
    expect(await forwarder.ended()).toMatchObject({ code: 0 });
    expect((await Array.fromAsync(mgm.sessions())).map(({ name }) => name)).not.toContain(
      'udp-forwarder',
    );
  });
});
