import { parseUnshared } from '@mgm/protocol';
import type { Entry, Epoch, FilterMode, InterfaceKey, SourceText } from '@mgm/protocol';
import { wrongRequest, type ErrorOrigin } from '../errors.ts';
import { interfaceKey, UNSENT, type InterfaceRef } from '../interfaces/refs.ts';
import type { EntryChange } from './refs.ts';

/** What a session wants of one group on an interface. It replaces all memberships that the session has of the group there. */
export interface GroupFilterRef extends InterfaceRef {
  /** A multicast address as text, or a u32 for IPv4 in host order; no wildcard. */
  readonly group: string | number;
  /**
   * - `include`: a membership (s,g) for each source, none without sources;
   * - `exclude`: a membership (\*,g) that does not want the sources;
   * - `none`: no membership; `sources` must be absent or empty.
   */
  readonly mode: FilterMode;
  /** At most 512 unicast addresses of the group's family, without duplicates. Absent: none. */
  readonly sources?: readonly (string | number)[] | undefined;
  /** Refuse unless the session holds the interface under this epoch. */
  readonly epoch?: Epoch | undefined;
}

/** The result of setting a filter. */
export interface GroupFilterChange {
  /** Number of memberships that were created. */
  readonly added: number;
  /** Number of memberships that were removed. */
  readonly removed: number;
  /** Whether the exclude list of (\*,g) changed. */
  readonly updated: boolean;
  /** The membership revision of the router after the request. */
  readonly mrev: number;
}

/** A filter in canonical text. */
export interface Filter {
  readonly mode: FilterMode;
  readonly sources: readonly SourceText[];
  readonly epoch?: Epoch | undefined;
}

/** Throws {@link MgmError} `bad-request` with the field, or `ssm-needs-source`. */
export function readFilterRef(
  ref: GroupFilterRef,
  origin: ErrorOrigin,
): { readonly key: InterfaceKey; readonly entry: EntryChange; readonly filter: Filter } {
  const key = interfaceKey(ref, origin);
  const { group, mode, sources = [], epoch } = ref;
  const fields = { group, mode, sources, ...(epoch !== undefined && { epoch }) };
  const parsed = parseUnshared('member.set', { ...UNSENT, ...key, ...fields });
  if (parsed.kind === 'bad-request') {
    throw wrongRequest(parsed, { ...origin, interface: key });
  }
  const { any, sources: entries } = parsed.request;
  const filter = { mode, sources: entries.map(({ source }) => source), epoch };
  return { key, entry: { ...any, forward: false }, filter };
}

/** The exclude list as one text, whatever its order; `''` for none. */
export function excludeText({ exclude = [] }: { readonly exclude?: readonly string[] }): string {
  return exclude.toSorted().join(' ');
}

/** The filter that sets (\*,g) with this exclude list. */
export function excluding(sources: readonly SourceText[] = []): Filter {
  return { mode: 'exclude', sources };
}

/** An entry; of (\*,g) with its exclude list, where that is not empty. */
export interface FilteredEntry extends Entry {
  readonly exclude?: readonly SourceText[];
}

/** The entries that a session has of the group of `any` under a filter. */
export function entriesOf(
  { group, source: any }: Entry,
  { mode, sources }: Filter,
): readonly FilteredEntry[] {
  if (mode === 'include') return sources.map((source) => ({ group, source }));
  if (mode === 'none') return [];
  return [{ group, source: any, ...(sources.length > 0 && { exclude: sources }) }];
}
