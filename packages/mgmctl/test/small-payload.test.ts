import { connect } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import { configured } from './configured.ts';
import { run } from './program.ts';
import { objects, PIM } from './stage.ts';

const HELD = 1_000;
const SLOW_MS = 60_000;

describe('mgmctl over a NATS server with a small max_payload', () => {
  it('reads everything in shorter pages', { timeout: SLOW_MS }, async (ctx) => {
    await using servers = await configured(ctx, 'max_payload: 65536\n');
    const nats = servers.urlOf();
    await using mgm = await connect({ servers: nats, router: 'r1' });
    const client = { protocolId: PIM, componentId: 1, name: 'pim-1', ttlMs: 60_000 };
    const pim = await mgm.registerProtocol(client);
    await pim.takeInterfaces(Array.from({ length: HELD }, (_, at) => ({ ifIndex: at + 1 })));
    const mgmctl = async (line: string) => {
      const { code, stdout, stderr } = await run([
        ...line.split(' '),
        '--nats',
        nats,
        '--router',
        'r1',
      ]);
      expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: '' });
      return stdout;
    };
    expect(objects(await mgmctl('interfaces --json'))).toHaveLength(HELD);
    expect(await mgmctl('sessions')).toMatch(/PIM\/1 pim-1/);
    expect(await mgmctl('history 7')).toMatch(/taken +7/);
    expect(objects(await mgmctl('watch --from 0 --count 900 --json'))).toHaveLength(900);
    expect(objects(await mgmctl('top --count 1 --json'))).toMatchObject([{ interfaces: HELD }]);
    expect(await mgmctl('owner 7')).toMatch(/PIM\/1 pim-1/);
    expect(await mgmctl('doctor')).toMatch(
      /^note {2}max_payload {2}\S+ allows messages of 65536 bytes: .+; set max_payload to 262144/m,
    );
  });

  it('may be too small for requests, which doctor reports', async (ctx) => {
    await using servers = await configured(ctx, 'max_payload: 32768\n');
    const { code, stdout } = await run(['doctor', '--nats', servers.urlOf(), '--router', 'r1']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}max_payload {2}\S+ allows messages of 32768 bytes; set max_/m);
  });
});
