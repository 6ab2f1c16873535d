import { clientText, interfaceText, type InterfaceItem } from '@mgm/protocol';
import type { ReleaseRequest } from '../../src/api.ts';
import { post } from '../model/requests.ts';
import { ReasonButton, type Question } from './reason-dialog.tsx';

interface ReleaseButtonProps {
  readonly router: string;
  readonly item: InterfaceItem;
  readonly say: (text: string) => void;
}

/** Takes an interface away from the owner that is shown, unless the owner changes in the meantime. */
export function ReleaseButton({ router, item, say }: ReleaseButtonProps) {
  const name = interfaceText(item);
  const { ifIndex, nextHop, epoch, session } = item;
  const ask = (): Question => ({
    title: `Release interface ${name}?`,
    text: `It is taken away from ${clientText(item)}, session ${session}, epoch ${epoch}.`,
    readers: 'the logs and the former owner',
    onConfirm: async (why) => {
      const request: ReleaseRequest = { ifIndex, nextHop, epoch, why };
      await post(`${encodeURIComponent(router)}/release`, request);
      return `Released interface ${name}.`;
    },
  });
  return (
    <ReasonButton
      action="Release"
      name={`Release interface ${name}`}
      isDanger
      ask={ask}
      say={say}
    />
  );
}
