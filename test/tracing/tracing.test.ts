import { join } from 'node:path';
import * as tracing from '@opentelemetry/api';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { connect, type ConnectOptions, type Measurement, type Mgm } from '@mgm/client';
import { loadConfig, startManager } from '@mgm/manager';
import { connect as connectNats, headers, type Msg, type NatsConnection } from '@mgm/nats';
import { decodeMessage, encodeMessage } from '@mgm/protocol';
import {
  eventually as eventuallyWithin,
  managerEnv,
  newRouterName,
  startManager as startManagerProcess,
  startServers,
  type TestServers,
} from '@mgm/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const PIM = { protocolId: 103, componentId: 1 };
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const SOON = { withinMs: 30_000 };
const SDK = join(import.meta.dirname, 'sdk.mjs');

const exporter = new InMemorySpanExporter();
const tracer = tracing.trace.getTracer('application');
const opened = new AsyncDisposableStack();
let servers: TestServers;
let nats: NatsConnection;

beforeAll(async () => {
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  new NodeTracerProvider({ spanProcessors }).register();
  servers = opened.use(await startServers());
  const env = managerEnv(servers, { MGM_NAME: 'one' });
  opened.use(await startManager(loadConfig(env), { tracing }));
  nats = await connectNats({ servers: servers.nats.url });
  opened.defer(() => nats.close());
});
afterAll(() => opened.disposeAsync());
beforeEach(() => exporter.reset());

const eventually = <T>(attempt: () => T): Promise<T> => eventuallyWithin(attempt, SOON);

const client = (options: Partial<ConnectOptions> = {}): Promise<Mgm> =>
  connect({ servers: servers.nats.url, router: newRouterName(), tracing, ...options });

/** Runs as a part of a span of the application. */
async function inSpan<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  return await tracer.startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

/** One request that needs no session. */
const listed = (mgm: Mgm) => Array.fromAsync(mgm.interfaces());

/** The spans of this name and kind that have ended, in order. */
const spansOf = (name: string, kind: SpanKind = SpanKind.INTERNAL): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name && span.kind === kind);

/** The only one; the first span of a manager, since a slow machine lets the client repeat a request. */
async function spanOf(name: string, kind?: SpanKind): Promise<ReadableSpan> {
  return await eventually(() => {
    const [span, ...others] = spansOf(name, kind);
    if (!span || (others.length > 0 && kind !== SpanKind.SERVER))
      throw new Error(`${others.length} more spans of ${name}`);
    return span;
  });
}

const idOf = (span: ReadableSpan): string => span.spanContext().spanId;
const linkedBy = (span: ReadableSpan): string[] => span.links.map(({ context }) => context.spanId);

/** A request as any program sends it; resolves with the status of its reply. */
async function send(operation: string, fields: object, traceparent: string): Promise<unknown> {
  const withTrace = headers();
  withTrace.set('traceparent', traceparent);
  const subject = `mgm.v1.${newRouterName()}.${operation}`;
  const options = { headers: withTrace, timeout: 60_000 };
  const reply = await nats.request(subject, encodeMessage({ ...fields }), options);
  const decoded = decodeMessage(reply.data);
  return decoded.kind === 'message' ? decoded.value['status'] : decoded.fault;
}

describe('a traced request', () => {
  it('has a span in the client, one in the manager and one for the call of the store, in one trace', async () => {
    await using mgm = await client();
    await using session = await mgm.registerProtocol(PIM);
    exporter.reset();
    await inSpan('application', () => session.takeInterfaceOwnership({ ifIndex: 7 }));
    const application = await spanOf('application');
    const request = await spanOf('mgm/take', SpanKind.CLIENT);
    const received = await spanOf('mgm/take', SpanKind.SERVER);
    // The session also reads its interfaces.
    const isLinked = (span: ReadableSpan) => linkedBy(span).includes(idOf(received));
    const [called] = spansOf('FCALL', SpanKind.CLIENT).filter(isLinked);
    expect(request.parentSpanContext?.spanId).toBe(idOf(application));
    expect(received.parentSpanContext?.spanId).toBe(idOf(request));
    expect(received.parentSpanContext?.isRemote).toBe(true);
    expect(called?.parentSpanContext?.spanId).toBe(idOf(received));
    const rpc = {
      'rpc.system.name': 'mgm',
      'rpc.method': 'mgm/take',
      'rpc.response.status_code': 'ok',
      'messaging.system': 'nats',
      'messaging.destination.name': `mgm.v1.${mgm.router}.take`,
    };
    expect(request.attributes).toMatchObject(rpc);
    expect(received.attributes).toEqual({
      ...rpc,
      'mgm.router': mgm.router,
      'mgm.replica': 'one',
    });
    expect(called?.attributes).toMatchObject({
      'db.system.name': 'redis',
      'db.operation.name': 'FCALL',
      'mgm.router': mgm.router,
    });
  });

  it('that several callers share is part of the trace of the first, with links to the others', async () => {
    await using mgm = await client();
    await using session = await mgm.registerProtocol(PIM);
    exporter.reset();
    const take = (ifIndex: number) => () => session.takeInterfaceOwnership({ ifIndex });
    await Promise.all([inSpan('first', take(1)), inSpan('second', take(2)), take(3)()]);
    const [first, second] = [await spanOf('first'), await spanOf('second')];
    const request = await spanOf('mgm/take', SpanKind.CLIENT);
    expect(request.parentSpanContext?.spanId).toBe(idOf(first));
    expect(linkedBy(request)).toEqual([idOf(second)]);
  });

  it('that is refused names the reason, and is no error', async () => {
    await using mgm = await client();
    await using session = await mgm.registerProtocol(PIM);
    await using other = await mgm.registerProtocol({ ...PIM, componentId: 2 });
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    exporter.reset();
    const refused = other.takeInterfaceOwnership({ ifIndex: 7 });
    await expect(refused).rejects.toMatchObject({ reason: 'already-owned' });
    for (const kind of [SpanKind.CLIENT, SpanKind.SERVER]) {
      const { attributes, status } = await spanOf('mgm/take', kind);
      expect(attributes['rpc.response.status_code']).toBe('already-owned');
      expect(status.code).toBe(SpanStatusCode.UNSET);
    }
  });

  it('that has no reply is an error, with the number of attempts', async () => {
    await using mgm = await client({ prefix: 'nobody.listens', deadlineMs: 300 });
    await expect(listed(mgm)).rejects.toMatchObject({ reason: 'unavailable' });
    const { attributes, status } = await spanOf('mgm/interfaces', SpanKind.CLIENT);
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes).toMatchObject({ 'error.type': 'unavailable' });
    expect(attributes['mgm.attempts']).toBeGreaterThan(1);
  });

  it('is linked by the call of the store that decides it, with the others of its batch', async () => {
    const router = newRouterName();
    const inbox = `_INBOX.${router}`;
    let replies = 0;
    nats.subscribe(inbox, { callback: () => replies++ });
    const withTrace = headers();
    withTrace.set('traceparent', TRACEPARENT);
    for (let count = 0; count < 50; count++) {
      const options = { reply: inbox, headers: withTrace };
      nats.publish(`mgm.v1.${router}.owner`, encodeMessage({ ifIndex: 7 }), options);
    }
    await eventually(() => expect(replies).toBe(50));
    const received = spansOf('mgm/owner', SpanKind.SERVER);
    const calls = spansOf('FCALL', SpanKind.CLIENT);
    expect(received).toHaveLength(50);
    expect(calls.flatMap(linkedBy).toSorted()).toEqual(received.map(idOf).toSorted());
    expect(Math.max(...calls.map(({ links }) => links.length))).toBeGreaterThan(1);
    for (const { attributes, links, parentSpanContext } of calls) {
      expect(attributes['db.operation.batch.size'] ?? 1).toBeGreaterThanOrEqual(links.length);
      expect(parentSpanContext?.spanId).toBe(links[0]?.context.spanId);
    }
  });
});

describe('no span', () => {
  it('is made for keepalives, neither in the client nor in the manager', async () => {
    const margins: number[] = [];
    const onMeasure = (one: Measurement) => one.kind === 'keepalive' && margins.push(one.marginMs);
    await using mgm = await client({ onMeasure });
    await using _ = await inSpan('application', () =>
      mgm.registerProtocol({ ...PIM, ttlMs: 3_000 }),
    );
    await eventually(() => expect(margins.length).toBeGreaterThan(1));
    expect(await send('keepalive', { handle: 'unknown', ack: 1 }, TRACEPARENT)).not.toBe(0);
    const names = exporter.getFinishedSpans().map(({ name }) => name);
    expect(names).not.toContain('mgm/keepalive');
    expect(names).toContain('mgm/register');
  });

  it.each([
    ['malformed', '00-xyz-b7ad6b7169203331-01'],
    ['empty', ''],
    ['of zeros', '00-00000000000000000000000000000000-0000000000000000-01'],
    ['of an unknown form', `${TRACEPARENT}-more`],
  ])(
    'is made for a traceparent that is %s, and the request is executed',
    async (_, traceparent) => {
      expect(await send('interfaces', {}, traceparent)).toBe(0);
      expect(exporter.getFinishedSpans()).toEqual([]);
    },
  );

  it('is made, and no header sent, by a client without tracing', async () => {
    const seen: Msg[] = [];
    await using mgm = await client({ tracing: undefined });
    nats.subscribe(`mgm.v1.${mgm.router}.interfaces`, { callback: (_, one) => seen.push(one) });
    await nats.flush();
    await inSpan('application', () => listed(mgm));
    await eventually(() => expect(seen).not.toEqual([]));
    expect(seen.filter((one) => one.headers !== undefined)).toEqual([]);
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['application']);
  });
});

it('sends traceparent only, and no baggage', async () => {
  const seen: Msg[] = [];
  await using mgm = await client();
  nats.subscribe(`mgm.v1.${mgm.router}.interfaces`, { callback: (_, one) => seen.push(one) });
  await nats.flush();
  const baggage = tracing.propagation.createBaggage({ user: { value: 'secret' } });
  const active = tracing.propagation.setBaggage(tracing.context.active(), baggage);
  await tracing.context.with(active, () => listed(mgm));
  await eventually(() => expect(seen).not.toEqual([]));
  const names = seen.flatMap((one) => one.headers?.keys() ?? []);
  expect(new Set(names)).toEqual(new Set(['traceparent']));
});

it('refuses an option `tracing` that is not the module', async () => {
  const wrong: unknown = { trace: {} };
  const refused = client({ tracing: wrong as typeof tracing });
  await expect(refused).rejects.toMatchObject({ reason: 'bad-request', field: 'tracing' });
});

describe('a manager process', () => {
  it.each([
    ['with an SDK continues traces', ['--import', SDK], true],
    ['without an SDK does not look at them', [], false],
  ])('%s', async (_, nodeArgs, isTraced) => {
    const prefix = `mgm.${newRouterName()}`;
    await using manager = await startManagerProcess(servers, { MGM_PREFIX: prefix }, { nodeArgs });
    await using mgm = await client({ prefix });
    await inSpan('application', () => listed(mgm));
    const { traceId } = (await spanOf('application')).spanContext();
    const line = `span mgm/interfaces of ${traceId}`;
    if (isTraced) await eventually(() => expect(manager.output()).toContain(line));
    const says = manager.output().includes('requests with a traceparent are traced');
    expect(says).toBe(isTraced);
  });
});
