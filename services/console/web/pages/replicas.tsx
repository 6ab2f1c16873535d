import type { Replica } from '@mgm/client';
import { durationText, instantText } from '@mgm/protocol';
import type { ReplicaList } from '../../src/api.ts';
import { usePolled } from '../model/requests.ts';
import { ProblemNote } from '../parts/problem.tsx';
import { Table, type Column } from '../parts/table.tsx';

const POLL_MS = 3_000;
/** Smaller differences between clocks are harmless. */
const CLOCKS_MS = 1_000;

const COLUMNS: readonly Column<Replica>[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Version', cell: ({ version }) => version },
  {
    title: 'Trouble',
    cell: ({ trouble }) => (
      <span class={trouble.length > 0 ? 'bad' : 'good'}>{trouble.join(', ') || 'none'}</span>
    ),
  },
  { title: 'Durability', isExtra: true, cell: ({ durability }) => durability ?? 'not reported' },
  { title: 'Store', isExtra: true, cell: ({ store }) => store ?? 'not reported' },
  { title: 'Store clock', isExtra: true, cell: clockText },
  { title: 'Requests', isExtra: true, cell: ({ requests }) => requests.toLocaleString('en') },
  { title: 'Failed', isExtra: true, cell: ({ failed }) => failed.toLocaleString('en') },
  {
    title: 'Mean time',
    isExtra: true,
    cell: ({ meanMs }) => (meanMs === undefined ? '' : `${meanMs.toFixed(2)} ms`),
  },
  { title: 'Since (UTC)', isExtra: true, cell: ({ startedAt }) => instantText(startedAt) },
];

/** The managers that serve. */
export function ReplicasPage() {
  const { value, problem } = usePolled<ReplicaList>('replicas', POLL_MS);
  const replicas = value?.replicas ?? [];
  return (
    <>
      <h1>Replicas</h1>
      <ProblemNote problem={problem} />
      <ul class="alerts">
        {value && replicaAlerts(replicas).map((alert) => <li key={alert}>{alert}</li>)}
      </ul>
      <Table
        label="Replicas"
        rows={replicas}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        empty={value ? 'No manager answers.' : 'Loading …'}
      />
    </>
  );
}

function clockText({ storeClock }: Replica): string {
  if (!storeClock) return 'not measured';
  const { aheadMs, withinMs } = storeClock;
  const side = aheadMs < 0 ? 'behind' : 'ahead';
  return `${durationText(Math.abs(aheadMs))} ${side}, ± ${durationText(Math.max(1, withinMs))}`;
}

/** What an operator has to look at. */
export function replicaAlerts(replicas: readonly Replica[]): string[] {
  if (replicas.length === 0) return ['no manager answers: requests are not decided'];
  const differ = (what: string, valueOf: (replica: Replica) => string | undefined): string[] => {
    const values = new Set(replicas.map(valueOf).filter((value) => value !== undefined));
    return values.size > 1 ? [`replicas differ in ${what}: ${[...values].join(', ')}`] : [];
  };
  return [
    ...replicas.flatMap(({ name, trouble }) => trouble.map((one) => `${name}: ${one}`)),
    ...(replicas.length === 1
      ? ['only one manager serves: start another one, so that one may fail']
      : []),
    ...differ('version', ({ version }) => version),
    ...differ('durability', ({ durability }) => durability),
    ...differ('their store', ({ storeId }) => storeId),
    ...differ('how they identify callers', ({ identity }) => identity),
    ...replicas.flatMap(({ name, storeClock }) => {
      if (!storeClock) return [];
      const { aheadMs, withinMs } = storeClock;
      const isFar = Math.abs(aheadMs) - withinMs > CLOCKS_MS;
      return isFar
        ? [`${name}: the clocks of store and console differ by ${durationText(Math.abs(aheadMs))}`]
        : [];
    }),
  ];
}
