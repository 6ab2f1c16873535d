/** A server-sent event. */
export interface ServerSent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Reads the events of a stream until `isLast`, then closes it as a browser does that goes away. */
export async function eventsUntil(
  url: string,
  isLast: (event: ServerSent) => boolean,
  lastEventId?: string,
): Promise<ServerSent[]> {
  const over = new AbortController();
  const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
  const response = await fetch(url, { headers, signal: over.signal });
  if (!response.ok || !response.body)
    throw new Error(`${response.status} ${await response.text()}`);
  const events: ServerSent[] = [];
  let text = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + part).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventIn(block);
      if (event.event === 'status') continue;
      events.push(event);
      if (!isLast(event)) continue;
      over.abort();
      return events;
    }
  }
  throw new Error(`the stream ended after ${JSON.stringify(events.at(-1))}`);
}

function eventIn(block: string): ServerSent {
  const fields = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trimStart()];
    }),
  );
  const data: unknown = JSON.parse(fields.get('data') ?? 'null');
  return { event: fields.get('event') ?? 'message', id: fields.get('id'), data };
}
