import { subjectsUnder, decodeMessage, routerName, type Revision } from '@mgm/protocol';
import pino from 'pino';
import { expect, it } from 'vitest';
import { Metrics } from './health/metrics.ts';
import { startHeads } from './heads.ts';
import { TroubleLog } from './log.ts';
import { Routers } from './routers.ts';

const ROUTER = routerName('r1');
const REV = 7 as Revision;

it('sends the head of a router without sessions until everything is settled', async () => {
  const settled: unknown[] = [];
  const over = Promise.withResolvers<void>();
  const values = [5, 6, 7, 7].map((value) => value as Revision);
  const routers = new Routers([]);
  routers.add([ROUTER]);
  const heads = startHeads({
    bus: {
      reaches: async () => true,
      publish: (_, bytes) => {
        const message = decodeMessage(bytes);
        settled.push(message.kind === 'message' ? message.value['settled'] : message.kind);
      },
    },
    store: {
      head: async () => {
        const [value = REV] = values.splice(0, 1);
        if (values.length === 0) over.resolve();
        const head = { rev: REV, first: REV, ts: 1, log: 'log', settled: value };
        return { head, sessions: 0, dueInMs: undefined };
      },
    },
    subjects: subjectsUnder('mgm.v1'),
    routers,
    trouble: new TroubleLog(pino({ level: 'silent' })),
    metrics: new Metrics(),
    everyMs: 4,
  });
  await over.promise;
  await heads.stop();
  expect(settled).toEqual([5, 6]);
});
