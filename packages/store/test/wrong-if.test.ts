import { beforeEach, expect, it } from 'vitest';
import { DECLARED } from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import { arbiterForEach, on, reached, type Arbiter, type TestClient } from './arbiter.ts';

let arbiter: Arbiter;
arbiterForEach((one) => (arbiter = one));

/** The mask of WRONG_IF. */
const MASK = 64;

let owner: TestClient;
let agent: TestClient;
beforeEach(async () => {
  owner = await arbiter.client({ mask: MASK, graceMs: 600_000 });
  agent = await arbiter.client();
  await arbiter.ask('take', { ...owner.next(), interfaces: [on(1), on(2)] });
  await wrongIf(owner, 1, 'true');
});

async function wrongIf(client: TestClient, number: number, value: string): Promise<void> {
  const settings = { epoch: '', localMembers: '', wrongIf: value };
  const fields = { ...client.next(), interface: on(number), ...settings };
  expect(await arbiter.ask('interface_set', fields)).toMatchObject({ kind: 'set' });
}

async function ownersOf(...numbers: number[]): Promise<number[]> {
  const interfaces = numbers.map((number) => on(number));
  const reply = await arbiter.ask('flow_wrongif', { handle: agent.handle, interfaces });
  if (reply.kind !== 'owners') throw new Error(`no owners but ${reply.kind}`);
  return reply.to.map(({ session }) => session);
}

it('names owners with the setting, and no session of other interfaces', async () => {
  expect(await ownersOf(1, 2, 9, 1)).toEqual([owner.session, 0, 0, owner.session]);
  await wrongIf(owner, 1, 'false');
  expect(await ownersOf(1)).toEqual([0]);
});

it('names no session that did not request hints', async () => {
  const silent = await arbiter.client({ mask: MASK - 1 });
  await arbiter.ask('take', { ...silent.next(), interfaces: [on(3)] });
  await wrongIf(silent, 3, 'true');
  expect(await ownersOf(3)).toEqual([0]);
});

it('names no session whose hold has ended', async () => {
  await arbiter.ask('release', { ...owner.next(), interfaces: [on(1)], epoch: '' });
  await arbiter.ask('take', { ...owner.next(), interfaces: [on(1)] });
  expect(await ownersOf(1)).toEqual([0]);
  await wrongIf(owner, 1, 'true');
  await arbiter.ask('deregister', { ...owner.next(), force: true });
  expect(await ownersOf(1)).toEqual([0]);
});

it('refuses agents whose session is over', async () => {
  const expired = await arbiter.client({ componentId: 77 });
  await arbiter.client({ componentId: 77, takeover: true });
  for (let times = 0; times < 2; times++) {
    const ask = (handle: typeof NO_HANDLE) =>
      arbiter.ask('flow_wrongif', { handle, interfaces: [on(1)] });
    expect(await ask(NO_HANDLE)).toEqual({ kind: 'bad_handle' });
    expect(await ask(expired.handle)).toMatchObject({ kind: 'session_expired' });
  }
});

it('reached every reply that the header declares', () => {
  const declared = DECLARED.flow_wrongif.map((tag) => `flow_wrongif:${tag}`);
  expect(declared.filter((one) => !reached.has(one))).toEqual([]);
});
