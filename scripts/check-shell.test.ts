import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { shellScripts, syntaxErrors } from './check-shell.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mgm-shell-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
});

describe('the check of shell scripts', () => {
  it('finds scripts by name and by first line', () => {
    writeFileSync(join(root, 'by-name.sh'), 'true\n');
    writeFileSync(join(root, 'by-line'), '#!/usr/bin/env bash\ntrue\n');
    writeFileSync(join(root, 'neither.txt'), 'if\n');
    expect(shellScripts(root).map((file) => basename(file))).toEqual(['by-line', 'by-name.sh']);
  });

  it('reports a syntax error and nothing else', () => {
    const wrong = join(root, 'wrong.sh');
    writeFileSync(wrong, 'if true; then\n');
    writeFileSync(join(root, 'right.sh'), 'if true; then :; fi\n');
    expect(syntaxErrors(wrong)).toContain('syntax error');
    expect(syntaxErrors(join(root, 'right.sh'))).toBe('');
  });
});
