import { eventually } from '@mgm/test-support';
import { connect } from '@mgm/nats';
import { Protocols, RawRouter } from '../support/raw-client.ts';
import { ok } from '../support/raw-replies.ts';
import { directUrls } from './direct.ts';
import type { World } from './world.ts';

/** Far above the time of any recovery. */
const HEALTHY_WITHIN_MS = 60_000;
/** It sends no keepalive, so this is longer than four requests take on a busy machine. */
const LEASE_MS = 30_000;

/** Resolves when every manager serves and a client can register, take, release and leave. */
export async function untilHealthy({ servers, managers }: World): Promise<void> {
  await eventually(
    async () => {
      await servers.whole();
      // A new connection each time: connecting is part of the check.
      const nats = await connect({
        servers: directUrls(servers.nats),
        reconnect: false,
        timeout: 2_000,
      });
      try {
        const replies = await nats.requestMany('$SRV.PING.mgm-manager', '', {
          maxWait: 1_000,
          maxMessages: managers.length,
        });
        const found = (await Array.fromAsync(replies)).length;
        if (found < managers.length)
          throw new Error(`${found} of ${managers.length} managers serve`);
        for (const router of servers.routers) await tryOut(new RawRouter(nats, `${router}-health`));
      } finally {
        await nats.close();
      }
    },
    { withinMs: HEALTHY_WITHIN_MS, everyMs: 100 },
  );
}

async function tryOut(router: RawRouter): Promise<void> {
  const session = await router.register({
    protocolId: Protocols.pim,
    ttlMs: LEASE_MS,
    takeover: true,
  });
  ok(await session.take(1));
  ok(await session.release(1));
  ok(await session.deregister());
}
