import type { ListedMembership } from '@mgm/client';
import { interfaceText } from '@mgm/protocol';
import { useState } from 'preact/hooks';
import type {
  InterfaceRef,
  InterfaceSettings,
  LimitsRequest,
  StaticRequest,
} from '../../src/api.ts';
import { post, usePolled } from '../model/requests.ts';
import { countsForColumn, ENTRY_COLUMNS, entryText } from './member-table.tsx';
import { ProblemNote } from './problem.tsx';
import { ReasonButton, type Entered, type Question } from './reason-dialog.tsx';
import { Table, type Column } from './table.tsx';

interface SettingsProps {
  readonly router: string;
  readonly at: InterfaceRef;
  /** Read again when this changes. */
  readonly version: number;
  readonly say: (text: string) => void;
}

interface PartProps extends Omit<SettingsProps, 'version'> {
  readonly settings: InterfaceSettings;
}

/** The limits of an interface with what counts towards them, and its static memberships; operators can change both. */
export function InterfaceSettingsView({ router, at, version, say }: SettingsProps) {
  const [changes, setChanges] = useState(0);
  const { ifIndex, nextHop } = at;
  const query = new URLSearchParams({
    ifIndex: String(ifIndex),
    nextHop,
    version: `${version}.${changes}`,
  });
  const { value, problem } = usePolled<InterfaceSettings>(
    `${router}/settings?${query.toString()}`,
    Infinity,
  );
  const sayAndRead = (text: string): void => {
    say(text);
    setChanges((count) => count + 1);
  };
  const part = value && { router, at, settings: value, say: sayAndRead };
  return (
    <>
      <h2>Limits</h2>
      <ProblemNote problem={problem} />
      {part ? <Limits {...part} /> : !problem && <p>Loading …</p>}
      <h2>Static memberships</h2>
      {part ? <StaticMemberships {...part} /> : !problem && <p>Loading …</p>}
    </>
  );
}

function Limits({ router, at, settings, say }: PartProps) {
  const { maxGroups, maxEntries, lite, groups, memberships, hasMore, localMembers } = settings;
  const name = interfaceText(at);
  const ask = (): Question => ({
    title: `Change the limits of interface ${name}?`,
    text: 'They apply to what is added later; what is there stays.',
    readers: 'the logs',
    fields: <LimitFields {...settings} />,
    onConfirm: async (why, entered) => {
      await post(`${encodeURIComponent(router)}/limits`, limitsRequest(at, why, entered));
      return `Changed the limits of interface ${name}.`;
    },
  });
  return (
    <>
      <dl class="details">
        <dt>Groups</dt>
        <dd>{usageText(groups, maxGroups, hasMore)}</dd>
        <dt>Memberships</dt>
        <dd>{usageText(memberships, maxEntries, hasMore)}</dd>
        <dt>Exclude lists</dt>
        <dd>{lite ? 'ignored (lite)' : 'heeded'}</dd>
        <dt>IGMP counts for</dt>
        <dd>{LOCAL_MEMBERS[localMembers ?? 'unknown']}</dd>
      </dl>
      <ReasonButton
        action="Change limits"
        name={`Change limits of interface ${name}`}
        isDanger={false}
        ask={ask}
        say={say}
      />
    </>
  );
}

const LOCAL_MEMBERS = {
  forward: 'the owner (forward)',
  advise: 'nobody, until the owner adds its own (advise)',
  unknown: 'not known: IGMP has no membership next to an owner',
} as const;

/** `3 of at most 100`, `3, no limit`. */
function usageText(count: number, max: number, hasMore: boolean): string {
  const present = `${hasMore ? 'more than ' : ''}${count.toLocaleString('en')}`;
  return max === 0 ? `${present}, no limit` : `${present} of at most ${max.toLocaleString('en')}`;
}

function LimitFields({ maxGroups, maxEntries, lite }: InterfaceSettings) {
  return (
    <>
      <label for="max-groups">Groups, 0 for no limit</label>
      <LimitInput name="max-groups" value={maxGroups} />
      <label for="max-entries">Memberships, 0 for no limit</label>
      <LimitInput name="max-entries" value={maxEntries} />
      <label>
        <input type="checkbox" name="lite" defaultChecked={lite} /> Ignore exclude lists
      </label>
    </>
  );
}

const LIMIT_MAX = 2 ** 32 - 1;

function LimitInput({ name, value }: { readonly name: string; readonly value: number }) {
  return (
    <input
      id={name}
      name={name}
      type="number"
      required
      min={0}
      max={LIMIT_MAX}
      step={1}
      defaultValue={value}
    />
  );
}

function limitsRequest(
  { ifIndex, nextHop }: InterfaceRef,
  why: string,
  entered: Entered,
): LimitsRequest {
  return {
    ifIndex,
    nextHop,
    maxGroups: Number(entered('max-groups')),
    maxEntries: Number(entered('max-entries')),
    lite: entered('lite') !== '',
    why,
  };
}

function StaticMemberships({ router, at, settings, say }: PartProps) {
  const { static: rows, hasMore } = settings;
  const name = interfaceText(at);
  const ask = (): Question => ({
    title: `Add a static membership on interface ${name}?`,
    text: 'It has no session: it stays until an operator removes it.',
    readers: 'the logs',
    fields: <EntryFields />,
    onConfirm: async (why, entered) => {
      const request = staticRequest(at, entered('group'), entered('source'), why);
      await post(`${encodeURIComponent(router)}/static/add`, request);
      return `Added a static membership on interface ${name}.`;
    },
  });
  const columns: readonly Column<ListedMembership>[] = [
    ...ENTRY_COLUMNS,
    countsForColumn(router),
    { title: 'Action', cell: (item) => <RemoveButton router={router} item={item} say={say} /> },
  ];
  return (
    <>
      {hasMore && <p>There may be more: not all memberships were looked at.</p>}
      <Table
        label="Static memberships"
        rows={rows}
        columns={columns}
        keyOf={({ group, source }) => `${group} ${source}`}
        empty="None."
      />
      <ReasonButton
        action="Add static membership"
        name={`Add static membership on interface ${name}`}
        isDanger={false}
        ask={ask}
        say={say}
      />
    </>
  );
}

function EntryFields() {
  return (
    <>
      <label for="group">Group, * for all</label>
      <input id="group" name="group" required maxLength={64} autocomplete="off" />
      <label for="source">Source, empty for any</label>
      <input id="source" name="source" maxLength={64} autocomplete="off" />
    </>
  );
}

interface RemoveButtonProps {
  readonly router: string;
  readonly item: ListedMembership;
  readonly say: (text: string) => void;
}

function RemoveButton({ router, item, say }: RemoveButtonProps) {
  const { group, source } = item;
  const entry = entryText(group, source);
  const ask = (): Question => ({
    title: `Remove the static membership ${entry}?`,
    text: `On interface ${interfaceText(item)}. Memberships of sessions stay.`,
    readers: 'the logs',
    onConfirm: async (why) => {
      const request = staticRequest(item, group, source, why);
      await post(`${encodeURIComponent(router)}/static/delete`, request);
      return `Removed the static membership ${entry}.`;
    },
  });
  return (
    <ReasonButton
      action="Remove"
      name={`Remove static membership ${entry}`}
      isDanger
      ask={ask}
      say={say}
    />
  );
}

/** `*` stands for any; managers write that as `''`. */
function staticRequest(
  { ifIndex, nextHop }: InterfaceRef,
  group: string,
  source: string,
  why: string,
): StaticRequest {
  const given = (address: string): string => (address === '*' ? '' : address);
  return { ifIndex, nextHop, group: given(group), source: given(source), why };
}
