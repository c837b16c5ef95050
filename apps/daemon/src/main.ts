// The daemon: binds the ports, takes the home's lock, starts custody, opens this machine's agents and answers at the door. Argv:
// --home DIR [--relay URL] [--passphrase-file FILE] [--tpm DEVICE] [--pkcs11-… as start.ts takes them]. Prints one line on stdout when it is
// ready; everything else is log, on stderr.

import { existsSync, readFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { Agents } from './agents.ts';
import { Custody, type CustodyStart } from './custody/custody.ts';
import { openDoor } from './door/server.ts';
import { doorHandler } from './door/requests.ts';
import { Enrolments } from './enrol.ts';
import { faultOf } from './fault.ts';
import { GuardedDoors } from './guarded/doors.ts';
import { lockHome, openHome } from './home.ts';
import type { Ports } from './ports.ts';
import { Rotations } from './rotate.ts';
import { Sessions } from './session/session.ts';
import { StateStore } from './state/store.ts';

const version = '0.1.0';

const { values } = parseArgs({
  options: {
    home: { type: 'string' },
    relay: { type: 'string' },
    'passphrase-file': { type: 'string' },
    tpm: { type: 'string' },
    'pkcs11-module': { type: 'string' },
    'pkcs11-token': { type: 'string' },
    'pkcs11-pin-file': { type: 'string' },
    'pkcs11-needs': { type: 'string', multiple: true },
    'pkcs11-env': { type: 'string', multiple: true },
  },
});

const logger = pino({ name: 'daemon', base: { name: 'daemon' } }, pino.destination({ dest: 2, sync: true }));
const ports: Ports = {
  primitives: nodePrimitives,
  webSocket: WebSocket,
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  log: {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
  },
};

/** The file's bytes without one trailing newline; `what` it holds. */
function readSecret(file: string, what: string): Uint8Array {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (cause) {
    throw new HoldfastError('usage', `cannot read ${file}`, { cause, next: 'name a file that you can read' });
  }
  const end = content.at(-1) === 0x0a ? content.length - (content.at(-2) === 0x0d ? 2 : 1) : content.length;
  const phrase = Uint8Array.prototype.slice.call(content, 0, end);
  content.fill(0);
  if (phrase.length === 0)
    throw new HoldfastError('usage', `the file of the ${what} is empty`, { next: `put the ${what} into it` });
  return phrase;
}

/** As the operator will see it; people name machines in any way, terminals obey control characters. */
const machineName = (): string => hostname().replace(/\p{C}/gu, '').slice(0, 64).toWellFormed() || 'unnamed';

/** Where the kernel shows a TPM with a resource manager of its own. */
const kernelTpm = '/dev/tpmrm0';

/** Nothing of it is kept: a PIN is read at each start. Throws `usage`. */
function pkcs11Given(): Pick<CustodyStart, 'pkcs11' | 'pin'> {
  const { 'pkcs11-module': module, 'pkcs11-token': label, 'pkcs11-pin-file': pinFile } = values;
  if (module === undefined) return {};
  const named = (values['pkcs11-env'] ?? []).map((each): [string, string] => {
    const [, name = '', value = ''] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(each) ?? [];
    if (name === '' || /^(NODE|LD)_/.test(name))
      throw new HoldfastError('usage', 'a setting of the PKCS#11 module is NAME=VALUE, and not one of Node or the loader');
    return [name, value];
  });
  const needs = values['pkcs11-needs'] ?? [];
  for (const each of [module, ...needs])
    if (!path.isAbsolute(each)) throw new HoldfastError('usage', `${each} is not an absolute path`);
  const lacking = needs.find((each) => !existsSync(each));
  if (lacking !== undefined)
    throw new HoldfastError('usage', `${lacking}, which the PKCS#11 module needs, is not there`, { next: 'mend --pkcs11-needs' });
  return {
    pkcs11: { module, ...(label !== undefined && { label }), needs, environment: Object.fromEntries(named) },
    ...(pinFile !== undefined && { pin: readSecret(pinFile, 'PIN') }),
  };
}

async function startCustody(storeFolder: string, phraseFile: string | undefined): Promise<Custody> {
  const tpm = values.tpm ?? (existsSync(kernelTpm) ? kernelTpm : undefined);
  try {
    return await Custody.start({
      storeFolder,
      ...(tpm !== undefined && { tpm }),
      ...(phraseFile !== undefined && { passphrase: readSecret(phraseFile, 'passphrase') }),
      ...pkcs11Given(),
    });
  } catch (cause) {
    if (codeOf(cause) !== 'passphrase_wrong' || !(cause instanceof Error)) throw cause;
    throw new HoldfastError('passphrase_wrong', cause.message, {
      cause,
      next: 'start as the first time: npm start, or npm start -- --passphrase-file FILE; nothing was changed',
    });
  }
}

async function serve(): Promise<() => Promise<void>> {
  if (values.home === undefined)
    throw new HoldfastError('usage', 'the daemon needs --home DIR', { next: 'start it by: npm start' });
  const paths = openHome(nodePrimitives, values.home, tmpdir());
  const lock = lockHome(paths);
  const startedAtMs = Date.now();
  const phraseFile = values['passphrase-file'];
  const custody = await startCustody(paths.custody, phraseFile);
  const store = new StateStore(path.join(paths.daemon, 'journal.db'));
  const agents = new Agents({ ports, store, custody, auditFolder: paths.audit, saltsFolder: paths.salts, version });
  await agents.openAll();
  const sessions = new Sessions(ports, paths);
  const guarded = new GuardedDoors(ports, store);
  await guarded.reopen(agents.all());
  const enrolments = new Enrolments({ ports, store, custody, agents, defaultRelay: values.relay, machine: machineName() });
  const rotations = new Rotations({ store, custody, agents });
  const door = await openDoor(
    paths.doorSocket,
    ports.log,
    doorHandler({ agents, sessions, guarded, enrolments, rotations, custody, version, startedAtMs }),
  );

  const close = async () => {
    await sessions.close();
    await door.close();
    await guarded.close();
    await agents.close();
    await custody.close();
    store.close();
    lock.release();
  };
  void custody.ended.then(() => stop('custody ended', 3));
  return close;
}

let closing: Promise<void> | undefined;
let close: (() => Promise<void>) | undefined;

/** Idempotent: signals and the parent may all say it. */
function stop(why: string, code: number): void {
  closing ??= (async () => {
    logger.info({ why }, 'stopping');
    await close?.().catch((thrown: unknown) => logger.warn(faultOf(thrown), 'could not stop cleanly'));
    process.exit(code);
  })();
}

process.on('SIGTERM', () => stop('SIGTERM', 0));
process.on('SIGINT', () => stop('SIGINT', 0));
process.on('disconnect', () => stop('the parent is gone', 0));
// Nobody may guess what state is left after a fault that nothing expected: custody, sessions and sockets end with the process.
process.on('uncaughtException', (thrown) => {
  logger.fatal(faultOf(thrown), 'unexpected fault');
  process.exit(3);
});

try {
  close = await serve();
  process.stdout.write('daemon ready\n');
} catch (thrown) {
  const next = thrown instanceof HoldfastError ? thrown.next : undefined;
  process.stderr.write(`holdfast: ${thrown instanceof Error ? thrown.message : String(thrown)} (${codeOf(thrown)})\n`);
  if (next !== undefined) process.stderr.write(`  next: ${next}\n`);
  process.exit(codeOf(thrown) === 'usage' ? 2 : 3);
}
