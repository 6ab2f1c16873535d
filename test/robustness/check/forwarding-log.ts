import type { LoggedForwarding, PushedItem } from '../traffic/history.ts';

/** Every change of a log with its number, in order. */
export function numberedItems(messages: readonly LoggedForwarding[]): Map<number, PushedItem> {
  return new Map(
    messages.flatMap(({ first, items }) =>
      items.map((item, at): [number, PushedItem] => [first + at, item]),
    ),
  );
}
