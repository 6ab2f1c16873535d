import { createHash, timingSafeEqual } from 'node:crypto';

/** The SHA-256 of each user's password. */
export type Passwords = ReadonlyMap<string, Buffer>;

const LINE = /^([A-Za-z0-9_.@-]{1,64}):([0-9a-f]{64})$/;

/**
 * Reads a password file: a line `user:sha256` for each user; empty lines and lines that begin with `#` are ignored.
 *
 * @throws RangeError that names the first wrong line by its number, and nothing of its content
 */
export function readPasswords(text: string): Passwords {
  const passwords = new Map<string, Buffer>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, user, digest] = LINE.exec(line) ?? [];
    if (user === undefined || digest === undefined) {
      throw new RangeError(
        `line ${at + 1}: must be user:sha256, the SHA-256 of the password as 64 hexadecimal digits`,
      );
    }
    passwords.set(user, Buffer.from(digest, 'hex'));
  }
  if (passwords.size === 0) throw new RangeError('names no user');
  return passwords;
}

const NO_USER = Buffer.alloc(32);

/** The user of a Basic `Authorization` header, if the password is right. Takes the same time for unknown users. */
export function basicUser(passwords: Passwords, header: string | undefined): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  const at = credentials.indexOf(':');
  if (at < 0) return undefined;
  const user = credentials.slice(0, at);
  const digest = createHash('sha256')
    .update(credentials.slice(at + 1))
    .digest();
  const known = passwords.get(user);
  const isRight = timingSafeEqual(digest, known ?? NO_USER);
  return known && isRight ? user : undefined;
}
