import { isRouterName, subjectsUnder, type RouterName } from '@mgm/protocol';
import { z } from 'zod';
import { parseNatsUrls } from '@mgm/protocol';
import { parseRedisUrl, REDIS_URL_FORMS } from '@mgm/store';

/** What the table of variables says about one, beside its name. */
export interface Documented {
  /** Which values are allowed. */
  readonly allowed: string;
  /** What it is for. */
  readonly meaning: string;
  /** The default as people read it. */
  readonly preset: string;
  /** Whether its value may hold a password: never shown, and may be given as a file. */
  readonly secret: boolean;
}

/** What is known about each variable, by its schema. */
export const documented = z.registry<Documented>();

/** A kind of value: how its text is read, and what is allowed in words. */
interface Kind<Value> {
  readonly allowed: string;
  readonly secret?: boolean;
  /** Throws `RangeError` whose message completes "NAME=value: …". */
  readonly read: (text: string) => Value;
}

/** The schema of one variable. `shown` replaces the default in the table where it is not a constant. */
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

/** An integer in decimal digits, within the range. */
export function integer(min: number, max: number): Kind<number> {
  const allowed = `${min} to ${max}`;
  const read = (text: string): number => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new RangeError(`must be ${allowed}`);
  };
  return { allowed, read };
}

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Kind<Word> {
  const allowed = words.join(', ');
  const read = (text: string): Word => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new RangeError(`must be one of ${allowed}`);
  };
  return { allowed, read };
}

/** Text of a form. */
export function matching(form: RegExp, allowed: string): Kind<string> {
  const read = (text: string): string => {
    if (form.test(text)) return text;
    throw new RangeError(`must be ${allowed}`);
  };
  return { allowed, read };
}

/** Router names with commas between. */
export const routerNames: Kind<readonly RouterName[]> = {
  allowed: 'names of 1 to 64 of A-Z a-z 0-9 _ -, with commas between',
  read: (text) => {
    const names = text.split(',').map((name) => name.trim());
    return names.map((name) => {
      if (isRouterName(name)) return name;
      throw new RangeError(`must be ${routerNames.allowed}`);
    });
  },
};

/** The tokens that all subjects begin with. */
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

/** One NATS URL or several; see {@link parseNatsUrls}. */
export const natsUrls: Kind<string> = {
  allowed: 'nats:// or tls:// URLs with commas between, user and password or a token inside',
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
