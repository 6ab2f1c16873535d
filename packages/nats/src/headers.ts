import type { Msg } from 'nats';

const NO_RESPONDERS = 503;

/** Whether this is the reply of the NATS server itself to a request on a subject without subscribers. */
export function isNoResponders({ data, headers }: Pick<Msg, 'data' | 'headers'>): boolean {
  return data.length === 0 && headers?.code === NO_RESPONDERS;
}
