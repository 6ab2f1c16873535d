import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

const SUBJECT_CHARS_MAX = 72;
/** The number of commits checked if no release is tagged. */
const COMMITS_WITHOUT_RELEASE = 50;
/** Conventional Commits 1.0: a type, an optional scope, an optional mark of a breaking change, a description. */
const CONVENTIONAL =
  /^(build|chore|ci|docs|feat|fix|perf|refactor|revert|style|test)(\([a-z][\w./-]*\))?!?: \S/;
/** The subject that `git revert` writes. */
const REVERT = /^Revert "/;

/** A commit as far as this check looks at it. */
export interface Commit {
  readonly id: string;
  readonly subject: string;
}

/**
 * The commits since the last tag, or the last fifty. Empty without a history, as in an unpacked archive.
 */
export function recentCommits(root: string): Commit[] {
  if (!existsSync(join(root, '.git')) || git(root, 'rev-parse', 'HEAD') === undefined) return [];
  const tag = git(root, 'describe', '--tags', '--abbrev=0')?.trim();
  const range =
    tag === undefined ? [`--max-count=${COMMITS_WITHOUT_RELEASE}`, 'HEAD'] : ['HEAD', `^${tag}`];
  const log = git(root, 'log', '--no-merges', '--format=%h %s', ...range, '--');
  const lines = log?.split('\n') ?? [];
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const end = line.indexOf(' ');
      return { id: line.slice(0, end), subject: line.slice(end + 1) };
    });
}

/** What is wrong with the subjects of these commits, a line each. */
export function wrongSubjects(commits: readonly Commit[]): string[] {
  return commits.flatMap(({ id, subject }) => {
    const problems = [
      ...([...subject].length > SUBJECT_CHARS_MAX
        ? [`has ${[...subject].length} characters, more than ${SUBJECT_CHARS_MAX}`]
        : []),
      ...(CONVENTIONAL.test(subject) || REVERT.test(subject)
        ? []
        : ['is not of the form "type(scope): description"']),
    ];
    return problems.map((problem) => `${id} ${problem}: ${subject}`);
  });
}

/** The output of a Git command; `undefined` if it fails. */
function git(root: string, ...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 30_000,
    });
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const wrong = wrongSubjects(recentCommits(ROOT));
  process.stdout.write(wrong.map((line) => `${line}\n`).join(''));
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
