import { newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { connect, isMgmError, ProtocolId, type Holder } from '../src/mod.ts';
import { clientStage } from './stage.ts';

const stage = clientStage();

describe('the example of the README', () => {
  it('runs', async () => {
    const router = newRouterName();
    const forwarded: string[] = [];
    const forward = (epoch: string, signal: AbortSignal): void => {
      if (!signal.aborted) forwarded.push(epoch);
    };
    const yieldTo = (_holder: Holder | undefined): void => {};

    // example {
    await using mgm = await connect({ servers: stage.servers.nats.url, router });
    await using session = await mgm.registerProtocol({
      protocolId: ProtocolId.PIM,
      componentId: 1,
      name: 'pim-1',
      onOwnershipLost: ({ ifIndex, cause }) => console.warn(`lost ${ifIndex}: ${cause}`),
    });
    try {
      await using ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
      forward(ownership.epoch, ownership.signal); // stops when the signal fires
    } catch (error) {
      if (!isMgmError(error, 'already-owned')) throw error;
      yieldTo(error.holder);
    }
    // }

    expect(forwarded).toHaveLength(1);
  });
});
