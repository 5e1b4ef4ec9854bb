import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, ConfigError } from '../config.ts';
import { errorText } from '../errors.ts';
import { KEY_BYTES, Vault } from '../vault.ts';
import type { Db } from './db.ts';
import { keepSetting, readSetting } from './settings.ts';

const PROOF_PLACE = 'installation/master-key';
const PROOF_TEXT = 'this key opens this database';
const HOW_TO_MAKE = 'Make one with: openssl rand -base64 32';

/**
 * Opens the vault with the key of the installation. A key is made only while the database holds no proof of an
 * earlier one; later a missing or different key stops the start, with the data untouched.
 * @throws ConfigError
 */
export async function openVault(config: Config, db: Db): Promise<Vault> {
  const before = await readSetting(db, 'master_key_proof');
  const vault = new Vault(readKey(config, before === undefined));
  // Of two first starts at the same moment one key wins; the other start learns that its own is not the one.
  const proof =
    before ??
    (await db.write((tx) => keepSetting(tx, 'master_key_proof', vault.seal(PROOF_TEXT, PROOF_PLACE))));
  if (!opens(vault, proof)) {
    const source = config.masterKey ? 'MASTER_KEY' : `The master key in ${config.masterKeyFile}`;
    throw new ConfigError(
      `${source} is not the one this database was made with. Nothing was changed; start again with the right key.`,
    );
  }
  return vault;
}

/** What stands of the master key, without making one. */
export interface KeyFacts {
  source: 'environment' | 'file';
  /** `new`: none is there, and none is needed before the first start. */
  state: 'right' | 'wrong' | 'missing' | 'new';
  /** Permission bits of the file. */
  mode?: number;
  /** What is wrong with it, without the key. */
  reason?: string;
}

export async function keyFacts(config: Config, db: Db): Promise<KeyFacts> {
  const proof = await readSetting(db, 'master_key_proof');
  const source = config.masterKey === undefined ? 'file' : 'environment';
  if (source === 'file' && !existsSync(config.masterKeyFile))
    return { source, state: proof === undefined ? 'new' : 'missing' };
  const mode = source === 'file' ? { mode: statSync(config.masterKeyFile).mode & 0o777 } : {};
  try {
    const vault = new Vault(readKey(config, false));
    const right = proof === undefined || opens(vault, proof);
    return { source, state: right ? 'right' : 'wrong', ...mode };
  } catch (error) {
    return { source, state: 'wrong', reason: errorText(error), ...mode };
  }
}

function readKey(config: Config, mayMake: boolean): Buffer {
  if (config.masterKey !== undefined) return decode(config.masterKey, 'MASTER_KEY');
  if (existsSync(config.masterKeyFile)) {
    return decode(
      readFileSync(config.masterKeyFile, 'utf8').trim(),
      `The master key in ${config.masterKeyFile}`,
    );
  }
  if (!mayMake) {
    throw new ConfigError(
      `The master key is missing: ${config.masterKeyFile} does not exist and MASTER_KEY is not set. Put the key of this database there; without it stored passwords cannot be read.`,
    );
  }
  return makeKeyFile(config.masterKeyFile);
}

function decode(text: string, source: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES || !/^[A-Za-z0-9+/_-]+=*$/.test(text)) {
    throw new ConfigError(`${source} must be ${KEY_BYTES} bytes in base64. ${HOW_TO_MAKE}`);
  }
  return key;
}

function makeKeyFile(file: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    chmodSync(file, 0o600);
  } catch (error) {
    throw new ConfigError(
      `The master key file ${file} cannot be written (${(error as Error).message}). Set MASTER_KEY_FILE to a place that can.`,
    );
  }
  return key;
}

function opens(vault: Vault, proof: string): boolean {
  try {
    return vault.open(proof, PROOF_PLACE) === PROOF_TEXT;
  } catch {
    return false;
  }
}
