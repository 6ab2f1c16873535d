import { isRouterName, parseNatsUrls, subjectsUnder, type RouterName } from '@mgm/protocol';
import { parseRedisUrl, REDIS_URL_FORMS } from '@mgm/store';
import { z } from 'zod';

/** The documentation of one variable. */
export interface Documented {
  /** The values allowed, in words. */
  readonly allowed: string;
  readonly meaning: string;
  /** The default, as the table shows it. */
  readonly preset: string;
  /** The value may contain a password: it is never shown, and may be given as a file. */
  readonly secret: boolean;
}

/** The documentation of each variable, by its schema. */
export const documented = z.registry<Documented>();

/** A type of value: how its text is read and which values are allowed. */
interface Kind<Value> {
  /** In words. */
  readonly allowed: string;
  readonly secret?: boolean;
  /** Throws `RangeError` whose message completes "NAME=value: …". */
  readonly read: (text: string) => Value;
}

/**
 * The schema of one variable.
 *
 * @param shown the default as the table shows it, if it is not a constant
 */
export function variable<Value extends string | number | readonly string[]>(
  kind: Kind<Value>,
  preset: NoInfer<Value> | (() => NoInfer<Value>),
  meaning: string,
  shown: string = String(preset),
) {
  const schema = z
    .string()
    .optional()
    .transform((text, context): Value => {
      if (text === undefined) return preset instanceof Function ? preset() : preset;
      try {
        if (text === '') throw new RangeError('is empty; leave it out for the default');
        return kind.read(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: messageOf(error) });
        return z.NEVER;
      }
    });
  const { allowed, secret = false } = kind;
  return schema.register(documented, { allowed, meaning, preset: shown, secret });
}

function messageOf(error: unknown): string {
  if (error instanceof RangeError) return error.message;
  throw error;
}

/** An integer in decimal digits. */
export function integer(min: number, max: number): Kind<number> {
  const allowed = `${min} to ${max}`;
  const read = (text: string): number => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new RangeError(`must be ${allowed}`);
  };
  return { allowed, read };
}

/** One of the words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Kind<Word> {
  const allowed = words.join(', ');
  const read = (text: string): Word => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new RangeError(`must be one of ${allowed}`);
  };
  return { allowed, read };
}

/** Text that matches a pattern. */
export function matching(form: RegExp, allowed: string): Kind<string> {
  const read = (text: string): string => {
    if (form.test(text)) return text;
    throw new RangeError(`must be ${allowed}`);
  };
  return { allowed, read };
}

/** A secret text, never shown. */
export const password: Kind<string> = { allowed: 'any text', secret: true, read: (text) => text };

/** Router names, separated by commas. */
export const routerNames: Kind<readonly RouterName[]> = {
  allowed: 'names of 1 to 64 of A-Z a-z 0-9 _ -, separated by commas',
  read: (text) => {
    const names = text.split(',').map((name) => name.trim());
    return names.map((name) => {
      if (isRouterName(name)) return name;
      throw new RangeError(`must be ${routerNames.allowed}`);
    });
  },
};

/** The tokens with which all subjects begin. */
export const subjectPrefix: Kind<string> = {
  allowed: 'tokens of A-Z a-z 0-9 _ - joined by dots',
  read: (text) => {
    try {
      return subjectsUnder(text).prefix;
    } catch {
      throw new RangeError(`must be ${subjectPrefix.allowed}, at most 128 characters`);
    }
  },
};

/** One or more NATS URLs; see {@link parseNatsUrls}. */
export const natsUrls: Kind<string> = {
  allowed: 'nats:// or tls:// URLs, separated by commas, with user and password or a token',
  secret: true,
  read: (text) => {
    parseNatsUrls(text);
    return text;
  },
};

/** A Redis URL; see {@link parseRedisUrl}. */
export const redisUrl: Kind<string> = {
  allowed: `${REDIS_URL_FORMS}; user and password before the first host`,
  secret: true,
  read: (text) => {
    parseRedisUrl(text);
    return text;
  },
};
