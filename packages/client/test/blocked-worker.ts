import { connect } from '../src/mod.ts';
import { errorOf } from './error-of.ts';

/**
 * A worker whose only thread hangs for longer than its lease: `node blocked-worker.ts <nats url> <router> <ms>`. Prints the
 * state that it sees when it continues, before any other code could run.
 */
const [servers = '', router = '', blockMs = ''] = process.argv.slice(2);

await using mgm = await connect({ servers, router });
const options = { protocolId: 103, componentId: 1, ttlMs: 2_000, reregister: false };
const session = await mgm.registerProtocol(options);
const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
const { signal } = ownership;
const before = signal.aborted;
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockMs));
const after = { aborted: signal.aborted, isHeld: ownership.isHeld, state: session.state };
const take = await errorOf(session.takeInterfaceOwnership({ ifIndex: 8 }));
const release = await errorOf(ownership.release());
const found = { before, after, take: take.code, outcome: take.outcome, release: release.code };
process.stdout.write(`${JSON.stringify(found)}\n`);
