import fc, { type Arbitrary } from 'fast-check';
import type { By, EpochChoice, Numbered, On, Step, Turn } from './steps.ts';

/** The size of a run. */
export interface Scale {
  readonly clients: number;
  readonly interfaces: number;
  /** Interfaces of one request. */
  readonly countMax: number;
  readonly turnsMax: number;
}

/** Leases and grace times end half a minute off every full minute, so that the running time of the test changes nothing. */
const LEASES_MS = [90_000, 270_000];
const GRACES_MS = [0, 0, 120_000, 240_000];
const MINUTES = [1, 1, 2, 2, 5];

const PAGES = [1, 2, 3, 1_000];
const MANAGERS = 2;

/** Runs of this size: most clients register, then steps of all kinds follow. */
export function turns(scale: Scale): Arbitrary<Turn[]> {
  const clients = Array.from({ length: scale.clients }, (_, client) => client);
  const begin = fc.tuple(...clients.map((client) => fc.option(register(fc.constant(client)))));
  const rest = fc.array(turn(scale), { maxLength: scale.turnsMax, size: 'max' });
  return fc
    .tuple(begin, rest)
    .map(([registers, after]) => [...registers.filter((one) => one !== null).map(alone), ...after]);
}

function alone(step: Step): Turn {
  return { replica: 0, what: { kind: 'steps', steps: [step] }, look: false };
}

function turn(scale: Scale): Arbitrary<Turn> {
  const clients = Array.from({ length: scale.clients }, (_, client) => client);
  const one = fc.oneof(
    { weight: 8, arbitrary: fc.oneof(...batchable(scale)) },
    { weight: 1, arbitrary: fc.oneof(...listings(scale)) },
  );
  const together = fc.array(fc.oneof(...batchable(scale)), { minLength: 2, maxLength: 5 });
  const what: Arbitrary<Turn['what']> = fc.oneof(
    {
      weight: 20,
      arbitrary: one.map((step) => ({ kind: 'steps', steps: [step] }) as const),
    },
    { weight: 5, arbitrary: together.map((steps) => ({ kind: 'steps', steps }) as const) },
    { weight: 1, arbitrary: fc.constant({ kind: 'sweep' } as const) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        minutes: fc.constantFrom(...MINUTES),
        going: fc.subarray(clients),
      }),
    },
  );
  const look = fc.nat(2).map((one) => one === 2);
  return fc.record({ replica: fc.nat(MANAGERS - 1), what, look });
}

/** Steps that are one request each, and so may share a batch. */
function batchable(scale: Scale): { weight: number; arbitrary: Arbitrary<Step> }[] {
  const client = fc.nat(scale.clients - 1);
  const at = fc.nat(scale.interfaces - 1);
  const by = handles(client);
  const on = interfaces(scale);
  const ack = fc.boolean();
  return [
    { weight: 8, arbitrary: register(client) },
    { weight: 16, arbitrary: step('take', { by, on, numbered }) },
    { weight: 9, arbitrary: step('release', { by, on, numbered, epoch }) },
    { weight: 2, arbitrary: step('deregister', { by, force: fc.boolean(), numbered }) },
    { weight: 9, arbitrary: step('repeat', { nth: fc.nat(6), as: repeatChoice }) },
    { weight: 6, arbitrary: step('keepalive', { by, ack, mailboxAck }) },
    { weight: 2, arbitrary: step('mailbox', { by, limit: fc.constantFrom(...PAGES) }) },
    { weight: 2, arbitrary: step('owner', { at }) },
    { weight: 3, arbitrary: step('validate', { at, epoch }) },
    { weight: 1, arbitrary: step('admin.release', { at }) },
    {
      weight: 1,
      arbitrary: step('admin.evict', { client, session: fc.constantFrom('present', 'earlier') }),
    },
    { weight: 1, arbitrary: step('crash', { client }) },
  ];
}

/** Steps that may be several requests: pages, each from another manager. */
function listings(scale: Scale): { weight: number; arbitrary: Arbitrary<Step> }[] {
  const limit = fc.constantFrom(...PAGES);
  const of = fc.constantFrom('all', 'session', 'protocol');
  const client = fc.nat(scale.clients - 1);
  return [
    { weight: 3, arbitrary: step('interfaces', { limit, of, client }) },
    { weight: 1, arbitrary: step('sessions', { limit }) },
    { weight: 1, arbitrary: step('events', { back: fc.nat(20), limit }) },
  ];
}

function step<Kind extends Step['do']>(
  kind: Kind,
  fields: { [Key in Exclude<keyof StepOf<Kind>, 'do'>]: Arbitrary<StepOf<Kind>[Key]> },
): Arbitrary<Step> {
  return fc.record({ do: fc.constant(kind), ...fields }) as unknown as Arbitrary<Step>;
}
type StepOf<Kind extends Step['do']> = Extract<Step, { readonly do: Kind }>;

function register(client: Arbitrary<number>): Arbitrary<Step> {
  return step('register', {
    client,
    instance: fc.constantFrom('same', 'new'),
    takeover: fc.boolean(),
    ttlMs: fc.constantFrom(...LEASES_MS),
    graceMs: fc.constantFrom(...GRACES_MS),
  });
}

function handles(client: Arbitrary<number>): Arbitrary<By> {
  const handle: Arbitrary<By['handle']> = fc.oneof(
    { weight: 16, arbitrary: fc.constant('present' as const) },
    { weight: 2, arbitrary: fc.constant('earlier' as const) },
    { weight: 1, arbitrary: fc.record({ forgedAt: fc.integer({ min: 0, max: 100 }) }) },
  );
  return fc.record({ client, handle });
}

function interfaces(scale: Scale): Arbitrary<On> {
  return fc.record({
    first: fc.nat(scale.interfaces - 1),
    count: fc.integer({ min: 1, max: scale.countMax }),
    bulk: fc.boolean(),
  });
}

const numbered: Arbitrary<Numbered> = fc.record({
  seq: fc.oneof(
    { weight: 12, arbitrary: fc.constant('next' as const) },
    { weight: 2, arbitrary: fc.constant('late' as const) },
    { weight: 1, arbitrary: fc.constantFrom('edge' as const, 'beyond' as const) },
  ),
  ack: fc.boolean(),
});

const epoch: Arbitrary<EpochChoice> = fc.constantFrom('none', 'present', 'before', 'igmp', 'never');
const mailboxAck = fc.constantFrom('none' as const, 'half' as const, 'all' as const);
const repeatChoice = fc.constantFrom(
  'copy' as const,
  'copy' as const,
  'other-ack' as const,
  'other-operation' as const,
  'other-interfaces' as const,
);
