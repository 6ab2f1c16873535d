import type { InterfaceItem } from '@mgm/protocol';
import { useState } from 'preact/hooks';
import { clientText, interfaceText } from '@mgm/protocol';
import type { ReleaseRequest } from '../../src/api.ts';
import { post } from '../model/requests.ts';
import { ReasonDialog } from './reason-dialog.tsx';

interface ReleaseButtonProps {
  readonly router: string;
  readonly item: InterfaceItem;
  readonly say: (text: string) => void;
}

/** Takes an interface away from the owner that is shown, unless the owner changes in the meantime. */
export function ReleaseButton({ router, item, say }: ReleaseButtonProps) {
  const [asked, setAsked] = useState<InterfaceItem>();
  const name = interfaceText(item);
  const release = async (
    { ifIndex, nextHop, epoch }: InterfaceItem,
    why: string,
  ): Promise<string> => {
    const request: ReleaseRequest = { ifIndex, nextHop, epoch, why };
    await post(`${encodeURIComponent(router)}/release`, request);
    return `Released interface ${name}.`;
  };
  const close = (done?: string): void => {
    setAsked(undefined);
    if (done !== undefined) say(done);
  };
  return (
    <>
      <button
        type="button"
        class="danger"
        aria-label={`Release interface ${name}`}
        onClick={() => setAsked(item)}
      >
        Release
      </button>
      {asked && (
        <ReasonDialog
          title={`Release interface ${name}?`}
          text={`It is taken away from ${clientText(asked)}, session ${asked.session}, epoch ${asked.epoch}.`}
          action="Release"
          onConfirm={(why) => release(asked, why)}
          onClose={close}
        />
      )}
    </>
  );
}
