import type { InterfaceItem, Mgm, Sighting } from '@mgm/client';
import { Hono, type Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import type { StreamMessages } from '../api.ts';
import { BadParameter, problemOf } from '../problems.ts';
import type { Routers } from '../routers.ts';

/** Interfaces in one message of a snapshot. */
const ROWS = 1_000;
/** How often a status is sent; it also keeps proxies from ending a quiet stream. */
const STATUS_EVERY_MS = 3_000;
/** How long a browser waits before it connects again. */
const RETRY_MS = 1_000;

/** Where a browser continues: the last revision that it has, and the log of it. */
interface Position {
  readonly log: string;
  readonly from: number;
}

/**
 * All changes of a router as server-sent events. The id of an event is `log:rev`; a browser that connects again with the last
 * id gets everything after it, from the log, or a new snapshot with its reason if the log no longer has that.
 */
export function streamRoute(routers: Routers, streamsMax: number): Hono {
  let open = 0;
  return new Hono().get('/:router/stream', async (c) => {
    const position = positionOf(c);
    if (open >= streamsMax) {
      const message = `${streamsMax} browser tabs follow changes already; close one`;
      return c.json({ reason: 'overloaded', message }, 503);
    }
    open += 1;
    const mgm = await routers.client(c.req.param('router')).catch((error: unknown) => {
      open -= 1;
      throw error;
    });
    // A proxy that buffers would delay each change.
    c.header('X-Accel-Buffering', 'no');
    return streamSSE(c, async (stream) => {
      try {
        await follow(mgm, new Outlet(stream), position, c.req.raw.signal);
      } finally {
        open -= 1;
      }
    });
  });
}

/** Of the header that browsers send when they connect again, or of a parameter when a page does so itself. */
function positionOf(c: Context): Position | undefined {
  const id = c.req.header('last-event-id') ?? c.req.query('after') ?? '';
  if (id === '') return undefined;
  const [, log, rev] = /^([A-Za-z0-9_-]{1,64}):([0-9]{1,16})$/.exec(id) ?? [];
  if (log === undefined) throw new BadParameter('Last-Event-ID: must be log:rev');
  return { log, from: Number(rev) };
}

/** Writes until the browser has gone. A slow browser delays the watch, which then reads from the log what it missed. */
async function follow(
  mgm: Mgm,
  outlet: Outlet,
  position: Position | undefined,
  gone: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([gone, over.signal]);
  outlet.onGone(() => over.abort());
  const sendStatus = (): void => outlet.offer('status', { connected: mgm.isConnected });
  const offs = (['up', 'down'] as const).map((name) => mgm.on(name, sendStatus));
  const timer = setInterval(sendStatus, STATUS_EVERY_MS);
  try {
    sendStatus();
    let log = position?.log ?? '';
    for await (const sighting of mgm.watch({ ...position, signal })) {
      if (sighting.kind !== 'event') ({ log } = sighting);
      await send(outlet, sighting, log);
    }
  } catch (error) {
    if (!signal.aborted) await outlet.write('failed', problemOf(error));
  } finally {
    clearInterval(timer);
    for (const off of offs) off();
  }
}

async function send(outlet: Outlet, sighting: Sighting, log: string): Promise<void> {
  switch (sighting.kind) {
    case 'snapshot':
      await outlet.write('reset', { reason: sighting.reason });
      for (let at = 0; at < sighting.interfaces.length; at += ROWS) {
        await outlet.rows(sighting.interfaces.slice(at, at + ROWS));
      }
      return;
    case 'synced':
      return await outlet.write('synced', sighting, `${log}:${sighting.rev}`);
    case 'event':
      return await outlet.write('change', sighting.event, `${log}:${sighting.event.rev}`);
  }
}

/** The stream to one browser. Rows have no id, so a browser that loses the stream within a snapshot starts again. */
class Outlet {
  readonly #stream: SSEStreamingApi;
  #isBusy = false;

  constructor(stream: SSEStreamingApi) {
    this.#stream = stream;
  }

  onGone(listener: () => void): void {
    this.#stream.onAbort(listener);
  }

  async write<Name extends keyof StreamMessages>(
    event: Name,
    message: StreamMessages[Name],
    id?: string,
  ): Promise<void> {
    await this.#send(event, message, id);
  }

  async rows(items: readonly InterfaceItem[]): Promise<void> {
    await this.#send('rows', items);
  }

  /** Writes it unless an earlier message still waits for the browser. */
  offer<Name extends keyof StreamMessages>(event: Name, message: StreamMessages[Name]): void {
    if (!this.#isBusy) void this.#send(event, message);
  }

  async #send(event: string, message: unknown, id?: string): Promise<void> {
    this.#isBusy = true;
    const data = JSON.stringify(message);
    await this.#stream.writeSSE({ event, data, retry: RETRY_MS, ...(id !== undefined && { id }) });
    this.#isBusy = false;
  }
}
