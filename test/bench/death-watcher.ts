import { parentPort, workerData } from 'node:worker_threads';
import { connect, type Msg } from 'nats';
import { machineMonoMs } from '../faults/worker-talk.ts';
import type { EventMessage } from '../support/raw-answers.ts';
import { unpack } from '../support/raw-codec.ts';
import type { Watched, WatcherNote } from './death-watch.ts';

// The thread of a death watch: counts what a dead session releases, apart from those whose latency is measured.

const { servers, events, interfaces } = workerData as Watched;
const nats = await connect({ servers, reconnect: false });
const EXPIRE = 'expire';
let expired: { readonly ts: number; readonly mono: number } | undefined;
let released = 0;

nats.subscribe(events, { callback: (_, message) => receive(message) });
await nats.flush();
tell({ kind: 'watching' });
parentPort?.once('message', () => void nats.close());

function receive({ subject, data }: Msg): void {
  const type = subject.slice(subject.lastIndexOf('.') + 1);
  const mono = machineMonoMs();
  if (type === 'expired') expired = { ts: eventOf(data).ts, mono };
  // Reading all of them would slow down what is measured; only those of the end have a cause of this name.
  if (type !== 'released' || !bytesOf(data).includes(EXPIRE)) return;
  if (++released < interfaces || !expired) return;
  const { ts, mono: beganMono } = expired;
  tell({ kind: 'over', beganMono, endedMono: mono, tookMs: eventOf(data).ts - ts });
}

function tell(note: WatcherNote): void {
  parentPort?.postMessage(note);
}

function bytesOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.length);
}

function eventOf(data: Uint8Array): EventMessage {
  return unpack(data) as EventMessage;
}
