// A TPM 2.0 for tests: swtpm, the emulator that virtual machines get, behind a character device as the kernel's is (socat gives it a
// terminal in raw mode). It can be pulled out, put back, stopped for a while, and carried to another machine only with its state.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { patienceMs } from './patience.ts';

/** A reason to skip: what is missing on this machine. */
export function noSoftTpm(): string | false {
  const missing = ['swtpm', 'swtpm_setup', 'socat'].filter((program) => spawnSync(program, ['--version']).error !== undefined);
  return missing.length === 0 ? false : `needs ${missing.join(' and ')}`;
}

async function until(reached: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const untilMs = performance.now() + patienceMs; !(await reached());) {
    if (performance.now() > untilMs) throw new Error(`swtpm: ${what} does not appear`);
    await later(20);
  }
}

export class SoftTpm {
  /** Where programs open it. */
  readonly device: string;
  readonly #folder: string;
  #chip: ChildProcess | undefined;
  #cable: ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.device = path.join(folder, 'device');
  }

  /** A chip that nobody else has; with a maker's certificate if it has a maker. */
  static async start(maker?: SoftTpmMaker): Promise<SoftTpm> {
    const tpm = new SoftTpm(mkdtempSync(path.join(tmpdir(), 'holdfast-tpm-')));
    mkdirSync(path.join(tpm.#folder, 'state'));
    maker?.make(path.join(tpm.#folder, 'state'));
    try {
      await tpm.insert();
      return tpm;
    } catch (thrown) {
      await tpm.remove();
      throw thrown;
    }
  }

  /** Powers it up, also after `pull`; it is the same chip. */
  async insert(): Promise<void> {
    const socket = path.join(this.#folder, 'socket');
    rmSync(socket, { force: true });
    this.#chip = spawn(
      'swtpm',
      [
        ...['socket', '--tpm2', '--tpmstate', `dir=${path.join(this.#folder, 'state')}`],
        ...['--server', `type=unixio,path=${socket}`, '--flags', 'not-need-init,startup-clear'],
      ],
      { stdio: 'ignore' },
    );
    await until(() => existsSync(socket), 'its socket');
    // The socket is there a moment before anybody listens at it; what is written to the device meanwhile waits.
    const other = `UNIX-CONNECT:${socket},retry=600,interval=0.1`;
    this.#cable = spawn('socat', [`PTY,raw,echo=0,link=${this.device}`, other], { stdio: 'ignore' });
    await until(() => existsSync(this.device), 'its device');
  }

  /** Without a word, as a chip ends when its board loses power. */
  async pull(): Promise<void> {
    await Promise.all([this.#cable, this.#chip].map((child) => ended(child)));
    rmSync(this.device, { force: true });
  }

  /** It takes commands and answers none until `resume`. */
  stall(): void {
    this.#chip?.kill('SIGSTOP');
  }

  resume(): void {
    this.#chip?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.pull();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Somebody who makes chips and vouches for them: an authority of its own. */
export class SoftTpmMaker {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static create(): SoftTpmMaker {
    const maker = new SoftTpmMaker(mkdtempSync(path.join(tmpdir(), 'holdfast-tpm-maker-')));
    const [state, settings, options] = ['state', 'localca.conf', 'localca.options'].map((name) => maker.#at(name));
    mkdirSync(state ?? '');
    const files = ['signkey.pem', 'issuercert.pem', 'certserial'].map((name) => path.join(state ?? '', name));
    writeFileSync(
      settings ?? '',
      `statedir = ${state}\nsigningkey = ${files[0]}\nissuercert = ${files[1]}\ncertserial = ${files[2]}\n`,
    );
    writeFileSync(options ?? '', '');
    const tool = spawnSync('sh', ['-c', 'command -v swtpm_localca'], { encoding: 'utf8' }).stdout.trim();
    writeFileSync(
      maker.#at('setup.conf'),
      `create_certs_tool = ${tool}\ncreate_certs_tool_config = ${settings}\ncreate_certs_tool_options = ${options}\nactive_pcr_banks = sha256\n`,
    );
    return maker;
  }

  /** The certificate that its chips' certificates are signed with, PEM; there is one as soon as a chip was made. */
  get authority(): string {
    return path.join(this.#folder, 'state', 'issuercert.pem');
  }

  make(state: string): void {
    const parameters = ['--tpm2', '--tpmstate', state, '--create-ek-cert', '--overwrite', '--config', this.#at('setup.conf')];
    const { status, stdout, stderr } = spawnSync('swtpm_setup', parameters, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`swtpm_setup ended with ${status}\n${stdout}${stderr}`);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
