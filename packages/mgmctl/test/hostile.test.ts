import { connect, type NatsConnection } from '@mgm/nats';
import { encodeMessage } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { mgmctlStage, objects, PIM, type Router } from './stage.ts';

const stage = mgmctlStage();
/** One of each kind: C0, DEL, C1, line and paragraph separators, bidirectional controls. */
const CONTROLS = [
  ...['\u0000', '\u0007', '\n', '\r', '\u001b[31m', '\u007f', '\u0085', '\u009b2J'],
  ...['\u2028', '\u2029', '\u200e', '\u200f', '\u061c', '\u202a', '\u202e', '\u2066', '\u2069'],
].join('x');
/** Anything but printable text and the end of a line. */
const UNPRINTABLE = /[^\P{C}\n]|[\u2028\u2029]/u;

/** Publishes an event that no manager sent, with the next revision and a time after the last one. */
async function forge(nats: NatsConnection, router: Router, fields: object): Promise<void> {
  const { head } = await router.mgm.events(0, { limit: 1 });
  const event = { rev: head + 1, ts: Date.now() + 60_000, type: 'taken', ifIndex: 7, ...fields };
  nats.publish(`mgm.v1.${router.name}.event.taken`, encodeMessage(event));
  await nats.flush();
}

describe('texts from the bus', () => {
  it('contain no control character in a watch, whatever field they are in', async () => {
    await using router = await stage.router();
    await router.register(PIM, `pim ${CONTROLS}`);
    const nats = await connect({ servers: stage.servers.nats.url });
    await using _ = { [Symbol.asyncDispose]: () => nats.close() };
    await using watching = router.onTerminal(['watch', '--no-color'], { columns: 300 });
    await using json = router.start(['watch', '--json']);
    await watching.prints(/^revision 1: 0 interfaces held$/m);
    await json.prints(/"kind":"snapshot"/);
    const fields = { protocolId: PIM, componentId: 1, nextHop: '', cause: 'admin' };
    await forge(nats, router, { ...fields, actor: CONTROLS, why: `why${CONTROLS}` });
    await watching.prints(/\(why.*\)/);
    await json.prints(/"why":"why/);
    // The terminal itself turns the end of a line into CR LF.
    expect(watching.rawStdout.replaceAll('\r\n', '\n')).not.toMatch(UNPRINTABLE);
    expect(json.stdout).not.toMatch(UNPRINTABLE);
    const event = objects(json.stdout).find(({ kind }) => kind === 'event');
    expect(event).toMatchObject({ actor: CONTROLS, why: `why${CONTROLS}` });
  });

  it('contain no control character in lists and errors', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, `pim ${CONTROLS}`);
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    for (const args of ['owner 7', 'interfaces', 'sessions', 'sessions --json', 'history 7']) {
      const { code, stdout } = await router.run(args.split(' '));
      expect({ args, code }).toEqual({ args, code: 0 });
      expect(stdout, args).not.toMatch(UNPRINTABLE);
    }
    const taken = await router.run(['take', '7']);
    expect(taken.code).toBe(1);
    expect(taken.stderr).not.toMatch(UNPRINTABLE);
    await using asked = router.onTerminal(['release', '7', '--why', 'x'], { columns: 300 });
    await asked.prints(/Take interface 7 away from PIM\/1 pim .*\? \[y\/N\]/);
    expect(asked.stdout).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
  });
});
