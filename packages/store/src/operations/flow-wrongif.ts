import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused } from './refusals.ts';

/** The reply counts the hints that have a recipient; the manager sends them, and not more than a rate allows. */
export const flowWrongIf: StoreOperation<'flow.wrongif', 'flow_wrongif'> = {
  script: 'flow_wrongif',
  args: ({ handle, items }) => ({
    handle: readHandle(handle),
    interfaces: items.map((item) => item.interface),
  }),
  reply: ({ reply }) =>
    reply.kind === 'owners'
      ? { status: 0, count: reply.to.filter(({ session }) => session !== 0).length }
      : sessionRefused(reply),
};
