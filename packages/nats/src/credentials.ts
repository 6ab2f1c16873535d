import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { credsAuthenticator, nkeyAuthenticator, type ConnectionOptions } from 'nats';

/** Files that prove who connects. Each is read once, before any connection is made. */
export interface CredentialFiles {
  /** A `.creds` file: a user JWT and its seed, as `nsc` writes them. Not together with `nkeyFile`. */
  readonly credsFile?: string | undefined;
  /** The seed of an NKEY user. */
  readonly nkeyFile?: string | undefined;
  /** A TLS client certificate in PEM. Needs `keyFile`. */
  readonly certFile?: string | undefined;
  /** The private key of `certFile` in PEM. */
  readonly keyFile?: string | undefined;
  /** Certificate authorities in PEM, which replace those that Node trusts. */
  readonly caFile?: string | undefined;
}

/** Thrown for a credentials file that cannot be read or used. The message names the file and nothing of its content. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
  /** The option that names the file. */
  readonly option: keyof CredentialFiles;

  constructor(option: keyof CredentialFiles, message: string, cause?: unknown) {
    super(message, { cause });
    this.option = option;
  }
}

interface TlsPems {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

/**
 * Reads credentials files into options of {@link connect}.
 *
 * @throws {CredentialsError} for a file that is missing, unreadable or of another kind, for files that exclude each other, and for a
 * certificate with the key of another
 */
export async function readCredentials(files: CredentialFiles): Promise<ConnectionOptions> {
  const { credsFile, nkeyFile, certFile, keyFile, caFile } = files;
  if (credsFile !== undefined && nkeyFile !== undefined) {
    throw new CredentialsError('nkeyFile', 'a .creds file and an NKEY seed exclude each other');
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const missing = certFile === undefined ? 'certFile' : 'keyFile';
    throw new CredentialsError(
      missing,
      'a client certificate needs its key, and the key its certificate',
    );
  }
  const authenticator =
    credsFile !== undefined
      ? credsAuthenticator(await readCreds(credsFile))
      : nkeyFile !== undefined
        ? nkeyAuthenticator(await readSeed(nkeyFile))
        : undefined;
  const [cert, key, ca] = await Promise.all([
    readPem('certFile', certFile, 'CERTIFICATE'),
    readPem('keyFile', keyFile, 'PRIVATE KEY'),
    readPem('caFile', caFile, 'CERTIFICATE'),
  ]);
  const tls = { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) };
  checkTls(tls, files);
  return {
    ...(authenticator && { authenticator }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}

async function readCreds(file: string): Promise<Uint8Array> {
  const bytes = await read('credsFile', file);
  const text = bytes.toString('latin1');
  const [, seed] = /-+BEGIN USER NKEY SEED-+\s+(\S+)/.exec(text) ?? [];
  if (!/-+BEGIN NATS USER JWT-+\s+\S+/.test(text) || seed === undefined) {
    throw new CredentialsError(
      'credsFile',
      `${file} is no .creds file: it needs a user JWT and its seed`,
    );
  }
  checkSeed('credsFile', file, Buffer.from(seed));
  return bytes;
}

async function readSeed(file: string): Promise<Uint8Array> {
  const seed = Buffer.from((await read('nkeyFile', file)).toString('latin1').trim());
  checkSeed('nkeyFile', file, seed);
  return seed;
}

function checkSeed(option: keyof CredentialFiles, file: string, seed: Uint8Array): void {
  try {
    nkeyAuthenticator(seed)('any nonce');
  } catch (error) {
    throw new CredentialsError(option, `${file} holds no NKEY seed`, error);
  }
}

/** Certificates that no connection could use are an error of their own. */
function checkTls(pems: TlsPems, { certFile, keyFile, caFile }: CredentialFiles): void {
  let isOwnKey: boolean;
  try {
    isOwnKey = belongTogether(pems);
    if (isOwnKey) createSecureContext(pems);
  } catch (error) {
    const option = certFile === undefined ? 'caFile' : 'certFile';
    const reason = error instanceof Error ? error.message : String(error);
    throw new CredentialsError(option, `${certFile ?? caFile} cannot be used: ${reason}`, error);
  }
  if (isOwnKey) return;
  const message = `${keyFile} is not the private key of the certificate in ${certFile}`;
  throw new CredentialsError('keyFile', message);
}

/** Whether the key is that of the first certificate. A secure context would accept a key of another algorithm. */
function belongTogether({ cert, key }: TlsPems): boolean {
  if (cert === undefined || key === undefined) return true;
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

async function readPem(
  option: keyof CredentialFiles,
  file: string | undefined,
  label: string,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = (await read(option, file)).toString('utf8');
  if (new RegExp(`-----BEGIN ([A-Z]+ )?${label}-----`).test(text)) return text;
  throw new CredentialsError(option, `${file} holds no ${label.toLowerCase()} in PEM`);
}

async function read(option: keyof CredentialFiles, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CredentialsError(option, `${file} cannot be read (${code})`, error);
  }
}
