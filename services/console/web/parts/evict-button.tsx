import type { SessionItem } from '@mgm/protocol';
import { useState } from 'preact/hooks';
import { clientText, counted } from '@mgm/protocol';
import type { Evicted, EvictRequest } from '../../src/api.ts';
import { post } from '../model/requests.ts';
import { ReasonDialog } from './reason-dialog.tsx';

interface EvictButtonProps {
  readonly router: string;
  readonly item: SessionItem;
  readonly say: (text: string) => void;
}

/** Ends a session with everything that it holds. */
export function EvictButton({ router, item, say }: EvictButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const { session, interfaces } = item;
  const evict = async (why: string): Promise<string> => {
    const request: EvictRequest = { session, why };
    const { released } = await post<Evicted>(`${encodeURIComponent(router)}/evict`, request);
    return `Evicted session ${session}: ${counted(released, 'interface')} released.`;
  };
  const close = (done?: string): void => {
    setAsking(false);
    if (done !== undefined) say(done);
  };
  return (
    <>
      <button
        type="button"
        class="danger"
        aria-label={`Evict session ${session}`}
        onClick={() => setAsking(true)}
      >
        Evict
      </button>
      {isAsking && (
        <ReasonDialog
          title={`Evict session ${session}?`}
          text={`${clientText(item)} loses ${counted(interfaces, 'interface')}.`}
          action="Evict"
          onConfirm={evict}
          onClose={close}
        />
      )}
    </>
  );
}
