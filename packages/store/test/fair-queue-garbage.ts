// Prints the bytes in the old generation that items leave behind in a fair queue: `fair-queue-garbage.ts <flows> <at once>`. A process
// of its own, because the test runner's own objects are on the heap of a test.
import { heapAfter } from '@mgm/test-support';
import { FairQueue, type QueueItem } from '../src/fair-queue.ts';

interface Heavy extends QueueItem {
  readonly ballast: readonly number[];
}

let arrivals = 0;

function heavy(flow: number): Heavy {
  const ballast = Array.from({ length: 100 }, (_, at) => at);
  const kind = { isHighPriority: false, isExclusive: false, weight: 1 };
  return { ...kind, arrival: ++arrivals, flow: String(flow), ballast };
}

const [flows = 1, atOnce = 1] = process.argv.slice(2).map(Number);
const queue = new FairQueue<Heavy>();

/** Pushes and serves `count` items. */
function pass(count: number): void {
  for (let at = 0; at < count; at++) {
    queue.push(heavy(at % flows));
    if (queue.length > atOnce) queue.take(16);
  }
  while (queue.length > 0) queue.take(16);
}

queue.push(heavy(-1));
pass(5_000);
// Two young collections move the queue to the old generation; the items that follow do not live that long.
heapAfter('young');
const before = heapAfter('young');
pass(10_000);
process.stdout.write(String(heapAfter('young') - before));
