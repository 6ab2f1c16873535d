import { describe, expect, it } from 'vitest';
import { configured } from './configured.ts';
import { run } from './program.ts';

describe('mgmctl over a NATS server with a small max_payload', () => {
  it('is told by doctor that requests may not fit', async (ctx) => {
    await using servers = await configured(ctx, 'max_payload: 32768\n');
    const { code, stdout } = await run(['doctor', '--nats', servers.urlOf(), '--router', 'r1']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}max_payload {2}\S+ allows messages of 32768 bytes; set max_/m);
  });
});
