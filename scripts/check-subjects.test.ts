import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { recentCommits, wrongSubjects } from './check-subjects.ts';

let root: string;

function git(...args: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  execFileSync('git', [...identity, '-c', 'commit.gpgsign=false', ...args], {
    cwd: root,
    stdio: 'ignore',
  });
}

/** Many commits by one process of git; one process each takes seconds. */
function importCommits(all: readonly string[]): void {
  const who = 'committer test <test@example.org>';
  const input = all.map(
    (subject, at) => `commit HEAD\n${who} ${at} +0000\ndata <<.\n${subject}\n.\n`,
  );
  execFileSync('git', ['fast-import', '--quiet'], { cwd: root, input: input.join('\n') });
}

function commit(subject: string): void {
  git('commit', '--allow-empty', '--quiet', '-m', subject);
}

function subjects(): string[] {
  return recentCommits(root).map(({ subject }) => subject);
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mgm-commits-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

beforeEach(() => {
  root = newFolder();
});

describe('the commits that are checked', () => {
  it('are none without Git history and none before the first commit', () => {
    expect(recentCommits(root)).toEqual([]);
    git('init', '--quiet');
    expect(recentCommits(root)).toEqual([]);
  });

  it('are the last fifty without a tag', () => {
    git('init', '--quiet');
    importCommits(Array.from({ length: 52 }, (_, at) => `fix: ${at + 1}`));
    expect(subjects()).toHaveLength(50);
    expect(subjects()).toContain('fix: 52');
    expect(subjects()).not.toContain('fix: 2');
  });

  it('are those since the last tag', () => {
    git('init', '--quiet');
    commit('whatever was before the release');
    git('tag', 'v1.0.0');
    expect(subjects()).toEqual([]);
    commit('feat: after it');
    expect(subjects()).toEqual(['feat: after it']);
  });

  it('are those that a shallow clone has', () => {
    git('init', '--quiet');
    commit('feat: one');
    commit('feat: two');
    const origin = root;
    root = newFolder();
    git('clone', '--quiet', '--depth', '1', `file://${origin}`, '.');
    expect(subjects()).toEqual(['feat: two']);
  });
});

describe('a subject', () => {
  const problemsOf = (subject: string): string[] => wrongSubjects([{ id: 'abc', subject }]);

  it.each([
    'feat(store): refuse a release from an expired session',
    'fix!: drop what nothing reads',
    'test: titles in plain English',
    'Revert "feat(store): refuse a release"',
    `fix: ${'x'.repeat(67)}`,
  ])('is right: %s', (subject) => {
    expect(problemsOf(subject)).toEqual([]);
  });

  it.each([
    ['Refuse a release', /form "type\(scope\): description"/],
    ['feature: refuse a release', /form/],
    ['fix:no space', /form/],
    [`fix: ${'x'.repeat(68)}`, /has 73 characters, more than 72/],
  ])('is refused: %s', (subject, problem) => {
    expect(problemsOf(subject)).toEqual([expect.stringMatching(problem)]);
  });
});
