import { connect } from '@mgm/client';
import { expect, it, vi } from 'vitest';

it('refuses to connect on a Node that is too old, in one line', async () => {
  vi.stubGlobal('process', { ...process, versions: { node: '20.20.2' } });
  await expect(connect({ router: 'r1' })).rejects.toThrow(
    /^@mgm\/client needs Node 22\.18 or newer, this is 20\.20$/,
  );
});
