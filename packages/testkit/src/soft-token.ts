// A PKCS#11 token for tests: SoftHSM2 in a folder of its own. It can be pulled out and put back, and its PIN can be changed behind a program's back.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'];
const securityOfficerPin = '87654321';

/** A reason to skip: what is missing on this machine. */
export function noSoftToken(): string | false {
  const missing = [
    ...['softhsm2-util', 'c++'].filter((program) => spawnSync(program, ['--version']).error !== undefined),
    ...(modules.some((each) => existsSync(each)) ? [] : ['libsofthsm2.so']),
  ];
  return missing.length === 0 ? false : `needs ${missing.join(' and ')}`;
}

/** Builds the add-on that custody speaks PKCS#11 with, if it is not built yet, as a person does. Its folder. */
export function pkcs11Addon(): string {
  const script = fileURLToPath(new URL('../../../scripts/addon.ts', import.meta.url));
  const said = execFileSync(process.execPath, [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return path.join(/ is at (.*)\n/.exec(said)?.[1] ?? '', 'package');
}

export class SoftToken {
  readonly module = modules.find((each) => existsSync(each)) ?? '';
  readonly label: string;
  readonly pin: string = '24680';
  readonly folder: string;
  readonly #tokens: string;

  private constructor(label: string) {
    this.label = label;
    this.folder = mkdtempSync(path.join(tmpdir(), 'holdfast-token-'));
    this.#tokens = path.join(this.folder, 'tokens');
  }

  /** A token that nobody else has. */
  static make(label = 'holdfast test'): SoftToken {
    const token = new SoftToken(label);
    mkdirSync(token.#tokens);
    writeFileSync(token.environment.SOFTHSM2_CONF, `directories.tokendir = ${token.#tokens}\nobjectstore.backend = file\n`);
    token.add(label);
    return token;
  }

  get environment(): { readonly SOFTHSM2_CONF: string } {
    return { SOFTHSM2_CONF: path.join(this.folder, 'softhsm2.conf') };
  }

  /** One more token for the same module. */
  add(label: string): void {
    this.#tool(['--init-token', '--free', '--label', label, '--so-pin', securityOfficerPin, '--pin', this.pin]);
  }

  /** What it keeps, each by a name of its own: private and public halves apart. */
  objects(): readonly string[] {
    const names = readdirSync(this.#tokens, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.object') && !name.endsWith('token.object')).toSorted();
  }

  /** Nothing of it can be found any more. */
  pull(): void {
    renameSync(this.#tokens, `${this.#tokens}.away`);
    mkdirSync(this.#tokens);
  }

  insert(): void {
    rmSync(this.#tokens, { recursive: true });
    renameSync(`${this.#tokens}.away`, this.#tokens);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #tool(parameters: readonly string[]): void {
    execFileSync('softhsm2-util', parameters, {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}
