import { readSync } from 'node:fs';
import { connect, isMgmError, type Ownership } from '@mgm/client';
import { connect as connectNats } from '@mgm/nats';
import {
  actSubject,
  command,
  type Command,
  machineMonoMs,
  type Noted,
  workerSetup,
} from './worker-talk.ts';

/**
 * A routing protocol as a process: `node worker.ts <setup as JSON>`. It registers, takes interfaces, acts for them as long as
 * their signals allow, and sends a note of every step to the test that started it. It ends with that test.
 */
const setup = workerSetup.parse(JSON.parse(process.argv[2] ?? ''));
const { servers, user, pass, router, prefix, interfaces, actEveryMs, ...registrant } = setup;
const held: Ownership[] = [];

process.once('disconnect', () => process.exit());
const connection = await connectNats({
  servers,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
  ...(user !== undefined && { user }),
  ...(pass !== undefined && { pass }),
});
const publish = connection.publish.bind(connection);
connection.publish = (subject, ...rest) => {
  tell({ kind: 'sent', subject });
  publish(subject, ...rest);
};

const mgm = await connect({ connection, router, prefix });
const session = await mgm.registerProtocol(registrant);
session.on('lost', ({ cause }) => tell({ kind: 'lost', cause }));
session.on('recovered', ({ session: id, regained, missing }) => {
  for (const ownership of regained) own(ownership);
  tell({
    kind: 'recovered',
    session: id,
    regained: regained.map(heldFields),
    missing: missing.map(({ ifIndex, error }) => {
      return { ifIndex, reason: error.reason, holder: error.holder?.name };
    }),
  });
});
session.on('ended', () => tell({ kind: 'ended' }));
for (const ownership of session.ownerships) own(ownership);
for (const result of await session.takeInterfaces(interfaces.map((ifIndex) => ({ ifIndex })))) {
  if (result.kind === 'failed') throw result.error;
  own(result.ownership);
}
const { resumed } = session;
tell({ kind: 'holding', session: session.id, resumed, held: held.map(heldFields) });
if (actEveryMs > 0) setInterval(act, actEveryMs);
process.on('message', (message) => void obey(command.parse(message)));

function own(ownership: Ownership): void {
  held.push(ownership);
  ownership.signal.addEventListener('abort', () => {
    tell({ kind: 'aborted', ...heldFields(ownership) });
  });
}

function act(): void {
  for (const ownership of held) {
    if (ownership.signal.aborted) continue;
    connection.publish(actSubject(router), JSON.stringify(heldFields(ownership)));
  }
}

async function obey(given: Command): Promise<void> {
  switch (given.kind) {
    case 'take':
    case 'release':
      return await orRefused(given.kind, given.ifIndex);
    case 'stop':
      await connection.flush();
      tell({ kind: 'stopping' });
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'hang':
      await connection.flush();
      tell({ kind: 'stopping' });
      readSync(0, Buffer.alloc(1));
      return;
    case 'flush':
      await connection.flush();
      return tell({ kind: 'flushed' });
  }
}

async function orRefused(operation: 'take' | 'release', ifIndex: number): Promise<void> {
  try {
    if (operation === 'release') {
      await session.releaseInterfaceOwnership({ ifIndex });
      return tell({ kind: 'released', ifIndex });
    }
    const ownership = await session.takeInterfaceOwnership({ ifIndex });
    own(ownership);
    tell({ kind: 'took', ...heldFields(ownership) });
  } catch (error) {
    if (!isMgmError(error)) throw error;
    tell({ kind: 'refused', operation, reason: error.reason });
  }
}

function heldFields({ ifIndex, epoch }: Ownership): { ifIndex: number; epoch: string } {
  return { ifIndex, epoch };
}

function tell(noted: Noted): void {
  process.send?.({ mono: machineMonoMs(), ...noted });
}
