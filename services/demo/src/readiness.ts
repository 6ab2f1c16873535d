import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from './bus.ts';
import type { Managers } from './managers.ts';

const READY_WITHIN_MS = 30_000;
/** One that ended so often before it served will not do better. */
const STARTS_MAX = 3;
const ANSWER_WITHIN_MS = 2_000;
const ASK_EVERY_MS = 50;
/** A manager that can't do its work says why in its last lines. */
const LAST_LINES = 8;

/**
 * Resolves when every manager answers and a request was carried out.
 *
 * Rejects with the managers' last words when one ends again and again or half a minute is over; with the reason of `signal`
 * when that fires.
 */
export async function untilReady(bus: Bus, managers: Managers, signal: AbortSignal): Promise<void> {
  const deadlineMono = performance.now() + READY_WITHIN_MS;
  let trouble = 'no manager answered';
  for (;;) {
    signal.throwIfAborted();
    try {
      const missing = await notAnswering(bus, managers);
      if (missing.length > 0) throw new Error(`no answer of ${missing.join(', ')}`);
      await bus.mgm.sessions({ limit: 1, deadlineMs: ANSWER_WITHIN_MS, signal }).next();
      return;
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
    const failing = managers.replicas.some(({ starts }) => starts > STARTS_MAX);
    if (failing || performance.now() > deadlineMono) throw await notReady(trouble, managers);
    await delay(ASK_EVERY_MS, undefined, { signal });
  }
}

/** Which of our managers did not answer. */
export async function notAnswering(bus: Bus, managers: Managers): Promise<string[]> {
  const answering = new Set(await bus.replicas());
  return managers.names.filter((name) => !answering.has(name));
}

async function notReady(trouble: string, managers: Managers): Promise<Error> {
  const words = await Promise.all(managers.replicas.map(({ program }) => lastWords(program)));
  return new Error([`the managers did not become ready: ${trouble}`, ...words.flat()].join('\n'));
}

async function lastWords({ name, logFile }: { name: string; logFile: string }): Promise<string[]> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const lines = text.trim().split('\n').slice(-LAST_LINES);
  return lines.map((line) => `  ${name}: ${line}`);
}
