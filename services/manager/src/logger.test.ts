import pino from 'pino';
import { expect, it } from 'vitest';
import { lineOptions } from './logger.ts';

it('shows no handle and no password that got into a line after all', () => {
  const lines: string[] = [];
  const log = pino(lineOptions('info'), { write: (line: string) => void lines.push(line) });
  const child = log.child({ replica: 'one' });
  child.info({ handle: 'geheim', request: { handle: 'geheim', instance: 'geheim' } }, 'asked');
  child.info({ nats: { user: 'u', pass: 'geheim', token: 'geheim' }, password: 'geheim' }, 'asked');
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain('geheim');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'info',
    replica: 'one',
    handle: '***',
    request: { handle: '***' },
    msg: 'asked',
  });
});
