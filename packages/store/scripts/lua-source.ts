import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A named, typed value, as `epoch:epoch?`: a field of a reply, or an argument. */
export interface Field {
  readonly name: string;
  readonly type: string;
}

/** One form of a reply or an outcome: a tag, then fields. `spread` includes all cases of another union. */
export type Case =
  | { readonly kind: 'case'; readonly tag: string; readonly fields: readonly Field[] }
  | { readonly kind: 'spread'; readonly union: string };

/** Header tags without a value that say how the batcher treats an operation. */
const FLAG_TAGS = {
  '@read': 'isRead',
  '@exclusive': 'isExclusive',
  '@high_priority': 'isHighPriority',
  '@delay_tolerant': 'isDelayTolerant',
} as const;
export type Flag = (typeof FLAG_TAGS)[keyof typeof FLAG_TAGS];
export const FLAG_NAMES: readonly Flag[] = Object.values(FLAG_TAGS);

function isFlagTag(word: string): word is keyof typeof FLAG_TAGS {
  return word in FLAG_TAGS;
}

/** A Lua file: the declarations of its header, and the code below it. */
export interface LuaSource {
  readonly path: string;
  readonly doc: string;
  readonly args: readonly Field[];
  readonly replies: readonly Case[];
  readonly unions: ReadonlyMap<string, readonly Case[]>;
  readonly shapes: ReadonlyMap<string, readonly Field[]>;
  readonly includes: readonly string[];
  readonly flags: ReadonlySet<Flag>;
  readonly code: string;
}

/** A mistake in a Lua file. The message names the file and line. */
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
  refuse(path, lines, /\b(KEYS|ARGV)\b/, 'use the names of keys and arguments from the header');
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
  readonly #flags = new Set<Flag>();

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string, line: number): void {
    const [word = '', ...rest] = text.split(/\s+/);
    if (!word.startsWith('@')) {
      this.#doc.push(text);
      return;
    }
    if (isFlagTag(word)) {
      this.#flags.add(FLAG_TAGS[word]);
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
      default:
        throw new LuaSourceError(this.#path, line, `unknown header tag ${word}`);
    }
  }

  #case([tag = '', ...fields]: readonly string[], line: number): Case {
    if (tag.startsWith('...')) return { kind: 'spread', union: tag.slice(3) };
    return { kind: 'case', tag, fields: this.#fields(fields, line) };
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
      flags: this.#flags,
    };
  }
}
