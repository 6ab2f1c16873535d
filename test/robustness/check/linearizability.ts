import type { Evidence, Finding } from './evidence.ts';
import { interfaceHistories } from './interface-history.ts';
import { interfaceModel } from './interface-model.ts';
import { linearize, type Operation, type SearchLimits } from './linearize.ts';

/** Limits for all interfaces of a router, far above the need of a correct history: about one configuration per operation. */
const LIMITS: SearchLimits = { withinMs: 30_000, configurations: 20_000_000 };

/** Each reply about an interface was true at some instant between the call and the reply (invariant I4). */
export function checkLinearizability(evidence: Evidence, limits = LIMITS): Finding {
  const problems: string[] = [];
  const open: string[] = [];
  let checked = 0;
  const endsMono = performance.now() + limits.withinMs;
  for (const [ifIndex, operations] of interfaceHistories(evidence)) {
    checked += operations.length;
    const found = linearize(interfaceModel, operations, {
      ...limits,
      withinMs: endsMono - performance.now(),
    });
    const where = `${evidence.router} interface ${ifIndex}`;
    if (found.kind === 'inconclusive') open.push(`${where}: ${found.why}`);
    if (found.kind !== 'violated') continue;
    problems.push(
      [
        `${where}: has no valid instant: ${textOf(found.at)}`,
        ...found.states.map((state) => `  possible before: ${JSON.stringify(state)}`),
        ...found.underWay.map((one) => `  meanwhile: ${textOf(one)}`),
      ].join('\n'),
    );
  }
  const inconclusive = open.length > 0 ? { inconclusive: open.join('; ') } : {};
  return { check: 'linearizable', checked, problems, ...inconclusive };
}

function textOf({ op, invokedMono, returnedMono }: Operation<unknown>): string {
  return `${JSON.stringify(op)} from ${invokedMono.toFixed(3)} to ${returnedMono.toFixed(3)}`;
}
