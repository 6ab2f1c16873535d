import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { connect, isMgmError, ProtocolId, type Mgm } from '@mgm/client';

const HELP = `npm run smoke -- --nats nats://[user:password@]host:port [--router NAME] [--prefix mgm.v1]

Takes an interface, contends for it, hands it over and leaves, on a router of its own, as three workers would; says what worked.
Ends with 0 when all of it did. --dvmrp and --igmp name the URLs of the second and the third worker where each has a user of its own.
Example:

  npm run smoke -- --nats nats://127.0.0.1:4222
`;

/** The connections of workers that have users of their own. */
interface OtherWorkers {
  readonly dvmrp?: Mgm | undefined;
  readonly igmp?: Mgm | undefined;
}

/** Registers, takes, hands over and leaves once, against running managers. Throws at the first unexpected result. */
export async function smoke(
  mgm: Mgm,
  say: (line: string) => void,
  others: OtherWorkers = {},
): Promise<void> {
  const callbacks: string[] = [];
  const handled = Promise.withResolvers<void>();
  const pim = await mgm.registerProtocol({
    protocolId: ProtocolId.PIM,
    componentId: 1,
    name: 'pim',
  });
  const dvmrp = await (others.dvmrp ?? mgm).registerProtocol({
    protocolId: ProtocolId.DVMRP,
    componentId: 1,
  });
  const igmp = await (others.igmp ?? mgm).registerProtocol({
    protocolId: ProtocolId.IGMP,
    componentId: 1,
    onDisableIgmp: () => void callbacks.push('DISABLE_IGMP'),
    onEnableIgmp: () => {
      callbacks.push('ENABLE_IGMP');
      handled.resolve();
    },
  });
  say('registered: PIM, DVMRP and IGMP');

  await igmp.takeInterfaceOwnership({ ifIndex: 7 });
  const ownership = await pim.takeInterfaceOwnership({ ifIndex: 7 });
  say(`taken: interface 7 by PIM, with IGMP on it, epoch ${ownership.epoch}`);

  await handled.promise;
  assert.deepEqual(callbacks, ['DISABLE_IGMP', 'ENABLE_IGMP']);
  say('called back: IGMP, in order');

  await assert.rejects(
    dvmrp.takeInterfaceOwnership({ ifIndex: 7 }),
    (error) => isMgmError(error, 'already-owned') && error.holder?.name === 'pim',
  );
  say('refused: DVMRP, with the owner');

  await ownership.release();
  const next = await dvmrp.takeInterfaceOwnership({ ifIndex: 7 });
  assert.ok(BigInt(next.epoch) > BigInt(ownership.epoch));
  const holder = await mgm.getProtocolOnInterface({ ifIndex: 7 });
  assert.equal(holder.protocolId, ProtocolId.DVMRP);
  say('handed over: to DVMRP, under a higher epoch');

  for (const session of [pim, dvmrp, igmp]) await session.deregister({ force: true });
  await assert.rejects(mgm.getProtocolOnInterface({ ifIndex: 7 }), (error) =>
    isMgmError(error, 'not-found'),
  );
  say('left: no interface has an owner');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nats: { type: 'string', default: 'nats://127.0.0.1:4222' },
      router: { type: 'string', default: `smoke-${randomBytes(4).toString('hex')}` },
      prefix: { type: 'string' },
      dvmrp: { type: 'string' },
      igmp: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const { nats, router, prefix } = values;
  const worker = (servers: string) => connect({ servers, router, ...(prefix && { prefix }) });
  await using mgm = await worker(nats);
  await using dvmrp = values.dvmrp === undefined ? undefined : await worker(values.dvmrp);
  await using igmp = values.igmp === undefined ? undefined : await worker(values.igmp);
  await smoke(mgm, (line) => process.stdout.write(`${line}\n`), { dvmrp, igmp });
  process.stdout.write('everything works\n');
}

if (import.meta.main) await main();
