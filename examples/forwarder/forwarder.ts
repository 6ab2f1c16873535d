// Usage: forwarder.ts [--nats URL] [--router NAME] NUMBER:PORT:PEER-PORT ...
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { connect } from '@mgm/client';
import { ForwarderAgent } from '@mgm/client/forwarder';
import { UdpPlane } from './udp-plane.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nats: { type: 'string', default: 'nats://127.0.0.1:4222' },
    router: { type: 'string', default: 'r1' },
    component: { type: 'string', default: '1' },
  },
});
const interfaces = positionals.map((text) => {
  const [ifIndex = 0, port = 0, peerPort = 0] = text.split(':').map(Number);
  return { ifIndex, port, peerPort };
});

/** Not the number of a routing protocol: a forwarder takes no interface. */
const PROTOCOL_ID = 0xf0000001;

await using plane = await UdpPlane.open(interfaces);
await using mgm = await connect({ servers: values.nats, router: values.router });
await using agent = await ForwarderAgent.start(mgm, {
  ...{ protocolId: PROTOCOL_ID, componentId: Number(values.component), name: 'udp-forwarder' },
  plane,
  onRefusedFlow: (flow) => plane.drop(flow),
  onState: (state) => console.info(state),
});
plane.onNewFlow = (flow) => agent.newFlow(flow);
plane.onWrongIf = (packet) => agent.wrongIf(packet);
console.info(
  `forwarding between interfaces ${interfaces.map(({ ifIndex }) => ifIndex).join(', ')}`,
);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
