import { eventually, linkTo } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { type Fields, pack, unpack } from '../support/raw-codec.ts';
import { overReplicas, type Stage } from '../support/stage.ts';
import { startPythonWorker } from './python-worker.ts';

const TTL_MS = 2000;
const WITHIN = { withinMs: 30_000 };
const ADMIN = { actor: 'alice@noc', why: 'moved to the standby' };

overReplicas(
  (stage) => {
    describe('the worker in Python', () => {
      it('takes interfaces and keeps them for several times its lease', async () => {
        await using run = await start(stage, ['7', '8/2001:db8::1']);
        const { router, watch } = run;
        const owner = ok(await router.owner(7));
        expect(owner).toMatchObject({ protocolId: 103, name: 'python-worker' });
        expect(ok(await router.owner(8, '2001:db8::1')).session).toBe(owner.session);
        const lastsUntil = owner.since + 2 * TTL_MS;
        await eventually(() => expect(watch.heads.at(-1)?.ts).toBeGreaterThan(lastsUntil), WITHIN);
        expect(ok(await router.owner(7))).toMatchObject({ epoch: owner.epoch, stale: false });
        expect(watch.events.map(({ type }) => type)).toEqual(['registered', 'taken', 'taken']);
      });

      it('stops acting after OWNERSHIP_LOST and acknowledges it', async () => {
        await using run = await start(stage, ['7', '8']);
        const { router, worker, asked } = run;
        ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
        await eventually(() => expect(worker.output).toContain('lost, admin, moved to'), WITHIN);
        await eventually(() => {
          expect(asked('keepalive').at(-1)).toMatchObject({ mailboxAck: 1 });
        }, WITHIN);
        expect(await router.owner(7)).toMatchObject({ status: 1168 });
        expect(ok(await router.owner(8)).name).toBe('python-worker');
      });

      it('recognises its interface in a callback, whatever text of the next hop it was given', async () => {
        await using run = await start(stage, ['7/::10.0.0.1']);
        const { router, worker } = run;
        ok(await router.request('admin.release', { ifIndex: 7, nextHop: '::a00:1', ...ADMIN }));
        await eventually(() => expect(worker.output).toContain('lost, admin, moved to'), WITHIN);
      });

      it('reads dropped callbacks from the mailbox and handles none twice', async () => {
        await using run = await start(stage, ['7', '8']);
        const { router, worker, asked, watch } = run;
        const { session } = ok(await router.owner(7));
        ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
        await eventually(() => expect(watch.callbacksOf(session)).toHaveLength(1), WITHIN);
        const [lost] = watch.callbacksOf(session);
        const push = (seq: number) =>
          stage.nats.publish(`mgm.v1.${router.name}.callback.${session}`, pack({ ...lost, seq }));
        push(1);
        push(3);
        // Callback 2 does not exist yet, so the worker reads the mailbox and finds nothing.
        await eventually(() => expect(asked('mailbox')).toMatchObject([{ from: 1 }]), WITHIN);
        ok(await router.request('admin.release', { ifIndex: 8, ...ADMIN }));
        await eventually(() => {
          expect(asked('keepalive').at(-1)).toMatchObject({ mailboxAck: 2 });
        }, WITHIN);
        expect(worker.output.match(/lost, admin/g)).toHaveLength(2);
      });

      it('releases and deregisters on SIGTERM', async () => {
        await using run = await start(stage, ['7']);
        const { router, worker, watch } = run;
        worker.signal('SIGTERM');
        expect(await worker.ended()).toMatchObject({ code: 0 });
        expect(await router.owner(7)).toMatchObject({ status: 1168 });
        expect(ok(await router.request('sessions', {})).items).toEqual([]);
        await eventually(() => {
          const types = watch.events.map(({ type, cause }) => [type, cause]);
          expect(types.slice(-2)).toEqual([
            ['released', 'release'],
            ['deregistered', undefined],
          ]);
        }, WITHIN);
      });

      it('waits for an interface of another client', async () => {
        const router = stage.router();
        const other = await router.register({ protocolId: 104, name: 'dvmrp-1' });
        ok(await other.take(7));
        await using worker = await startPythonWorker(
          stage.servers.nats.url,
          router.name,
          args(['7']),
        );
        await eventually(() => expect(worker.output).toContain('owned by dvmrp-1'), WITHIN);
        ok(await other.release(7));
        await eventually(async () => {
          expect(ok(await router.owner(7)).name).toBe('python-worker');
        }, WITHIN);
      });

      it('continues over a new connection when the first one is cut', async () => {
        await using link = await linkTo(stage.servers.nats);
        await using run = await start(stage, ['7'], link.url);
        const { router, worker, asked } = run;
        const { epoch } = ok(await router.owner(7));
        link.proxy.reset();
        await eventually(() => expect(worker.output).toContain('connection lost'), WITHIN);
        const before = asked('keepalive').length;
        await eventually(() => expect(asked('keepalive').length).toBeGreaterThan(before), WITHIN);
        expect(ok(await router.owner(7)).epoch).toBe(epoch);
      });

      it('ends without another request when it was stopped past its lease', async () => {
        await using run = await start(stage, ['7']);
        const { router, worker, requests } = run;
        worker.signal('SIGSTOP');
        await eventually(async () => {
          expect(await router.owner(7)).toMatchObject({ status: 1168 });
        }, WITHIN);
        const asked = requests.length;
        worker.signal('SIGCONT');
        expect(await worker.ended()).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('no longer acting on anything'),
        });
        // The requests of the test itself while it waited, and no others.
        const ops = requests.slice(asked).map(({ op }) => op);
        expect(ops.filter((op) => op !== 'owner')).toEqual([]);
      });
    });
  },
  { replicas: [1] },
);

interface Request {
  readonly op: string;
  readonly fields: Fields;
}

function args(interfaces: readonly string[]): string[] {
  return ['--ttl-ms', String(TTL_MS), ...interfaces];
}

/** A worker on a router of its own that owns these interfaces, and its requests so far. */
async function start(stage: Stage, interfaces: readonly string[], nats = stage.servers.nats.url) {
  const router = stage.router();
  const watch = router.watch();
  const requests = listen(stage, router);
  await stage.nats.flush();
  const worker = await startPythonWorker(nats, router.name, args(interfaces));
  await eventually(() => {
    expect(worker.output.match(/mine under epoch/g)).toHaveLength(interfaces.length);
  }, WITHIN);
  const asked = (op: string) => requests.filter((one) => one.op === op).map(({ fields }) => fields);
  const dispose = async () => {
    await worker[Symbol.asyncDispose]();
    watch[Symbol.dispose]();
  };
  return { router, watch, worker, requests, asked, [Symbol.asyncDispose]: dispose };
}

function listen(stage: Stage, router: RawRouter): Request[] {
  const requests: Request[] = [];
  stage.nats.subscribe(`mgm.v1.${router.name}.>`, {
    callback: (_, { subject, data, reply }) => {
      const op = subject.slice(`mgm.v1.${router.name}.`.length);
      if (reply) requests.push({ op, fields: unpack(data) as Fields });
    },
  });
  return requests;
}
