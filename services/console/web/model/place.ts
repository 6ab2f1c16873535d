import { useEffect, useState } from 'preact/hooks';

/** An interface by its numbers. */
interface Key {
  readonly ifIndex: number;
  readonly nextHop?: string | undefined;
}

/** What the address shows: `#/<router>/<page>/<argument>…`. */
export interface Place {
  readonly router: string;
  readonly page: string;
  readonly args: readonly string[];
}

function placeIn(hash: string): Place {
  const [router = '', page = '', ...args] = hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => decodeURIComponent(part));
  return { router, page: page || 'overview', args };
}

/** The address of a page. */
export function addressOf(
  router: string,
  page: string,
  ...args: readonly (string | number)[]
): string {
  return `#/${[router, page, ...args].map(encodeURIComponent).join('/')}`;
}

export function interfaceAddress(router: string, { ifIndex, nextHop = '' }: Key): string {
  return addressOf(router, 'interface', ifIndex, ...(nextHop === '' ? [] : [nextHop]));
}

/** The present place; the component is drawn again when it changes. */
export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = (): void => setHash(location.hash);
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return placeIn(hash);
}
