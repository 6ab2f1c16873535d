import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Evidence } from './check/evidence.ts';

const NAME = 'evidence.json';

/** Keeps the evidence of a run with its histories. */
export async function keepEvidence(folder: string, evidence: readonly Evidence[]): Promise<void> {
  await writeFile(join(folder, NAME), JSON.stringify(evidence));
}

/** Reads the evidence of a run. */
export async function readEvidence(folder: string): Promise<Evidence[]> {
  const kept = JSON.parse(await readFile(join(folder, NAME), 'utf8')) as Evidence[];
  // JSON has no Infinity, which stands for a process that did not end.
  return kept.map((one) => ({
    ...one,
    processes: one.processes.map((process) => ({
      ...process,
      goneMono: process.goneMono ?? Infinity,
    })),
  }));
}
