import { clientText, counted, type SessionItem } from '@mgm/protocol';
import type { Evicted, EvictRequest } from '../../src/api.ts';
import { post } from '../model/requests.ts';
import { ReasonButton, type Question } from './reason-dialog.tsx';

interface EvictButtonProps {
  readonly router: string;
  readonly item: SessionItem;
  readonly say: (text: string) => void;
}

/** Ends a session with everything that it holds. */
export function EvictButton({ router, item, say }: EvictButtonProps) {
  const { session, interfaces } = item;
  const ask = (): Question => ({
    title: `Evict session ${session}?`,
    text: `${clientText(item)} loses ${counted(interfaces, 'interface')}.`,
    readers: 'the logs and the former owner',
    onConfirm: async (why) => {
      const request: EvictRequest = { session, why };
      const { released } = await post<Evicted>(`${encodeURIComponent(router)}/evict`, request);
      return `Evicted session ${session}: ${counted(released, 'interface')} released.`;
    },
  });
  return (
    <ReasonButton action="Evict" name={`Evict session ${session}`} isDanger ask={ask} say={say} />
  );
}
