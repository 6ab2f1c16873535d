import type { Problem } from '../../src/api.ts';

/** A failed request, in words that say whether something may have happened. */
export function ProblemNote({ problem }: { readonly problem: Problem | undefined }) {
  if (!problem) return null;
  const { message, outcome } = problem;
  const mayHaveHappened = outcome === 'unknown' ? ' It may have happened nevertheless.' : '';
  return (
    <p class="problem" role="alert">
      {message}.{mayHaveHappened}
    </p>
  );
}
