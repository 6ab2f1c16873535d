import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { createUser } from 'nkeys.js';
import { describe, expect, inject, it } from 'vitest';
import { Protocols, type RawSession } from '../support/raw-client.ts';
import { unpack } from '../support/raw-codec.ts';
import { elements, groupText, listAll } from '../support/raw-memberships.ts';
import { ok } from '../support/raw-replies.ts';
import { overReplicas, type Stage } from '../support/stage.ts';
import { startJwt } from '../security/jwt.ts';
import { startPythonWorker } from './python-worker.ts';

const GROUP = '239.1.1.1';
const SOURCE = '10.0.0.1';
const WITHIN = { withinMs: 60_000 };
const ITEMS_MAX = 65_536;

overReplicas(
  (stage) => {
    describe('the worker in Python, with memberships', () => {
      it('adds its memberships on every interface, and says which are refused', async () => {
        const joins = ['--join', GROUP, '--join', `${SOURCE},239.1.1.2`, '--join', '232.1.1.1'];
        await using run = await start(stage, [...joins, '7', '8/10.0.0.9']);
        const { router, worker } = run;
        await eventually(() => expect(worker.output.match(/: joined/g)).toHaveLength(4), WITHIN);
        expect(worker.output.match(/refused, ssm-needs-source/g)).toHaveLength(2);
        const found = (await listAll(router, 'members')).map((item) => item.slice(0, 4));
        expect(found.toSorted()).toEqual(
          [
            [GROUP, '', 7, ''],
            [GROUP, '', 8, '10.0.0.9'],
            ['239.1.1.2', SOURCE, 7, ''],
            ['239.1.1.2', SOURCE, 8, '10.0.0.9'],
          ].toSorted(),
        );
      });

      it('lists what others want, and prints JOIN and PRUNE with their causes', async () => {
        await using run = await start(stage, ['7'], async ({ other }) => {
          ok(await other.add(70, GROUP));
        });
        const { worker, other, expectPrinted } = run;
        await expectPrinted('listed: others want 1, IGMP has 0 here');
        ok(await other.add(70, ''));
        await expectPrinted('JOIN_ALERT (*,*), member');
        ok(await other.delete(70, GROUP));
        await expectPrinted(`PRUNE_ALERT (*,${GROUP}) on 70/, member`);
        ok(await other.add(70, 'ff0e::1'));
        ok(await other.add(70, '239.1.1.3', { source: SOURCE }));
        await expectPrinted('JOIN_ALERT (*,ff0e::1), member');
        ok(await other.release(70));
        await expectPrinted('PRUNE_ALERT (*,*) on 70/, release');
        await expectPrinted('PRUNE_ALERT (*,ff0e::1) on 70/, release');
        expect(worker.output).not.toContain(SOURCE);
      });

      it('prints LOCAL_JOIN and LOCAL_LEAVE of IGMP on its interface, and acknowledges all', async () => {
        await using run = await start(stage, ['7', '--ttl-ms', '1000']);
        const { router, expectPrinted } = run;
        const igmp = await router.register({ protocolId: Protocols.igmp });
        ok(await igmp.take(7));
        ok(await igmp.add(7, GROUP));
        await expectPrinted(`LOCAL_JOIN (*,${GROUP}) on 7/, member`);
        ok(await igmp.add(7, GROUP, { source: SOURCE }));
        await expectPrinted(`LOCAL_JOIN (${SOURCE},${GROUP}) on 7/, member`);
        ok(await igmp.delete(7, GROUP));
        await expectPrinted(`LOCAL_LEAVE (*,${GROUP}) on 7/, member`);
        ok(await igmp.release(7));
        await expectPrinted(`LOCAL_LEAVE (${SOURCE},${GROUP}) on 7/, release`);
        await eventually(() => expect(run.acknowledged()).toBe(4), WITHIN);
      });

      it('as IGMP adds its memberships again after a window', async () => {
        const igmp = ['--protocol', String(Protocols.igmp), '--join', GROUP, '7'];
        await using run = await start(stage, igmp);
        const { router, other, expectPrinted } = run;
        await expectPrinted(`(*,${GROUP}) on 7/: joined`);
        ok(await other.take(7));
        await eventually(async () => {
          const [item] = await listAll(router, 'members', { ifIndex: 7 });
          expect(item).toMatchObject([GROUP, '', 7, '', expect.any(Number), other.session]);
        }, WITHIN);
      });

      it('after a RESYNC acknowledges it, lists again, and follows the alerts from there', async () => {
        await using run = await start(stage, ['7', '--ttl-ms', '300000']);
        const { worker, other, expectPrinted } = run;
        await expectPrinted('registered');
        worker.signal('SIGSTOP');
        for (let first = 0; first <= ITEMS_MAX; first += 256) {
          ok(await other.bulk('member.add', elements(70, 256, first)));
        }
        worker.signal('SIGCONT');
        await expectPrinted('RESYNC: some alerts were not kept');
        await expectPrinted(`listed: others want ${ITEMS_MAX + 256}, IGMP has 0 here`);
        ok(await other.delete(70, groupText(ITEMS_MAX + 200)));
        await expectPrinted(`PRUNE_ALERT (*,${groupText(ITEMS_MAX + 200)}) on 70/, member`);
      });
    });

    describe('the worker in Python, with credentials', () => {
      it('logs in with a .creds file where NATS identifies users by JWT', async () => {
        await using nats = await startJwt(inject('servers'));
        const args = ['--creds', nats.credsOf('pim1'), '7'];
        await using worker = await startPythonWorker(nats.url, 'r1', args);
        await eventually(() => expect(worker.output).toContain('register: no '), WITHIN);
      });

      it.for(['nkey', 'creds', 'user', 'token'] as const)(
        'logs in with %s',
        async (kind, context) => {
          const choice = inject('servers');
          context.skip(choice.nats.kind !== 'process', 'gives nats-server a configuration file');
          const dir = await mkdtemp(join(tmpdir(), 'mgm-python-'));
          const user = createUser();
          const seed = new TextDecoder().decode(user.getSeed());
          const authorization = {
            nkey: `users: [{ nkey: ${user.getPublicKey()} }]`,
            user: 'user: pim1, password: "p w"',
            token: 'token: s3cret',
            creds: `users: [{ nkey: ${user.getPublicKey()} }]`,
          }[kind];
          await writeFile(join(dir, 'nats.conf'), `authorization { ${authorization} }`);
          await writeFile(join(dir, 'user.nk'), `${seed}\n`, { mode: 0o600 });
          const args = {
            nkey: ['--nkey-file', join(dir, 'user.nk')],
            user: [],
            token: [],
            creds: ['--creds', join(dir, 'user.nk')],
          }[kind];
          await using nats = await startNats(choice, { args: ['-c', join(dir, 'nats.conf')] });
          const url = { user: 'pim1:p%20w@', token: 's3cret@', nkey: '', creds: '' }[kind];
          const at = nats.url.replace('nats://', `nats://${url}`);
          await using worker = await startPythonWorker(at, 'r1', [...args, '7']);
          // No manager is there: a worker that may not log in would never learn that.
          const expected = kind === 'creds' ? 'is no credentials file' : 'no manager is there';
          await eventually(() => expect(worker.output).toContain(expected), WITHIN);
          expect(worker.output).not.toContain(seed);
          await rm(dir, { recursive: true });
        },
      );
    });
  },
  { replicas: [1] },
);

/** A worker on a router of its own, another client on interface 70, and what the worker has acknowledged. */
async function start(
  stage: Stage,
  args: readonly string[],
  before: (scene: { readonly other: RawSession }) => Promise<void> = async () => {},
) {
  const router = stage.router();
  let acknowledged = 0;
  const subscription = stage.nats.subscribe(`${router.prefix}.${router.name}.keepalive`, {
    callback: (_, { data }) => {
      const { mailboxAck } = unpack(data) as { readonly mailboxAck?: number };
      acknowledged = mailboxAck ?? acknowledged;
    },
  });
  const other = await router.register({ protocolId: Protocols.dvmrp, name: 'other' });
  ok(await other.take(70));
  await before({ other });
  const worker = await startPythonWorker(stage.servers.nats.url, router.name, args);
  const expectPrinted = async (text: string) =>
    await eventually(() => expect(worker.output).toContain(text), WITHIN);
  await expectPrinted('listed: others want');
  return {
    ...{ router, other, worker, expectPrinted, acknowledged: () => acknowledged },
    [Symbol.asyncDispose]: async () => {
      subscription.unsubscribe();
      await worker[Symbol.asyncDispose]();
    },
  };
}
