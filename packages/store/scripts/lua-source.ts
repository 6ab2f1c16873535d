import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A named, typed place: `epoch:epoch?`, or an argument. */
export interface Field {
  readonly name: string;
  readonly type: string;
}

/**
 * One form a reply or an outcome can have: a tag, then fields; the tag alone where it has none; `bare`: one number without
 * its tag. `spread` names a union whose cases all belong here.
 */
export type Case =
  | {
      readonly kind: 'case';
      readonly tag: string;
      readonly fields: readonly Field[];
      readonly bare: boolean;
    }
  | { readonly kind: 'spread'; readonly union: string };

/** A Lua file: what its header declares, and the code under it. */
export interface LuaSource {
  readonly path: string;
  readonly doc: string;
  readonly args: readonly Field[];
  readonly replies: readonly Case[];
  readonly unions: ReadonlyMap<string, readonly Case[]>;
  readonly shapes: ReadonlyMap<string, readonly Field[]>;
  readonly includes: readonly string[];
  readonly alone: boolean;
  readonly reads: boolean;
  readonly code: string;
}

/** A mistake in a Lua file, with the place to mend. */
export class LuaSourceError extends Error {
  constructor(path: string, line: number, message: string) {
    super(`${path}:${line}: ${message}`);
    this.name = 'LuaSourceError';
  }
}

/** Reads and checks one file under `root`. */
export function readLuaSource(root: string, path: string): LuaSource {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('---'));
  const header = new Header(path);
  for (const [at, line] of lines.slice(0, end).entries()) header.read(line.slice(3).trim(), at + 1);
  const code = lines.slice(end).join('\n').trim();
  refuse(path, lines, /\b(KEYS|ARGV)\b/, 'keys and arguments come by name, from the header');
  refuse(path, lines, /tostring\(/, '`tostring` loses digits of an epoch: use `text`');
  return { path, code, ...header.result() };
}

function refuse(path: string, lines: readonly string[], pattern: RegExp, why: string): void {
  const at = lines.findIndex((line) => !line.startsWith('---') && pattern.test(line));
  if (at >= 0) throw new LuaSourceError(path, at + 1, why);
}

class Header {
  readonly #path: string;
  readonly #doc: string[] = [];
  readonly #args: Field[] = [];
  readonly #replies: Case[] = [];
  readonly #unions = new Map<string, Case[]>();
  readonly #shapes = new Map<string, Field[]>();
  readonly #includes: string[] = [];
  #alone = false;
  #reads = false;

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string, line: number): void {
    const [word = '', ...rest] = text.split(/\s+/);
    if (!word.startsWith('@')) {
      this.#doc.push(text);
      return;
    }
    const [first = '', second = ''] = rest;
    switch (word) {
      case '@arg':
        this.#args.push({ name: first, type: second });
        return;
      case '@reply':
        this.#replies.push(this.#case(rest, line));
        return;
      case '@bare':
        this.#replies.push(this.#case(rest, line, true));
        return;
      case '@case':
        this.#unions.set(first, [
          ...(this.#unions.get(first) ?? []),
          this.#case(rest.slice(1), line),
        ]);
        return;
      case '@shape':
        this.#shapes.set(first, this.#fields(rest.slice(1), line));
        return;
      case '@include':
        this.#includes.push(first);
        return;
      case '@alone':
        this.#alone = true;
        return;
      case '@reads':
        this.#reads = true;
        return;
      default:
        throw new LuaSourceError(this.#path, line, `unknown header word ${word}`);
    }
  }

  #case([tag = '', ...fields]: readonly string[], line: number, bare = false): Case {
    if (tag.startsWith('...')) return { kind: 'spread', union: tag.slice(3) };
    return { kind: 'case', tag, fields: this.#fields(fields, line), bare };
  }

  #fields(words: readonly string[], line: number): Field[] {
    return words.map((word) => {
      const [name, type] = word.split(':');
      if (!name || !type) {
        throw new LuaSourceError(this.#path, line, `\`${word}\` is not name:type`);
      }
      return { name, type };
    });
  }

  result() {
    return {
      doc: this.#doc.join('\n').trim(),
      args: this.#args,
      replies: this.#replies,
      unions: this.#unions,
      shapes: this.#shapes,
      includes: this.#includes,
      alone: this.#alone,
      reads: this.#reads,
    };
  }
}
