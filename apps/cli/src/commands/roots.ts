// `holdfast roots …`: the authorities whose word about a machine's key store this operator takes. spec/attestation.md.

import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol/errors';
import { readRoots, writeRoots, type Owner } from '../operator/custody-roots.ts';
import { nameOf, readAuthorities } from '../operator/endorsement.ts';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { usage, visible, type Output } from '../output.ts';

interface RootsOptions {
  readonly passphraseFile?: string;
}

interface Root {
  readonly root: string;
  readonly subject: string;
  readonly validToMs: number;
}

export async function add(output: Output, file: string, options: RootsOptions): Promise<void> {
  const added = readAuthorities(readFile(file));
  await asOperator(output, options, async (session) => {
    const before = await readRoots(ownerOf(session));
    const known = new Set(before.map((each) => rootOf(new X509Certificate(each)).root));
    const fresh = added.filter((each) => !known.has(rootOf(each).root));
    await writeRoots(ownerOf(session), [...before, ...fresh.map(({ raw }) => new Uint8Array(raw))]);
    const roots = added.map(rootOf);
    output.result({ roots }, [
      ...roots.map(lineOf),
      'machines whose TPM one of them certified can prove it when they are approved from now on',
    ]);
  });
}

export async function list(output: Output, options: RootsOptions): Promise<void> {
  await asOperator(output, options, async (session) => {
    const roots = (await readRoots(ownerOf(session))).map((each) => rootOf(new X509Certificate(each)));
    output.result(
      { roots },
      roots.length === 0 ? ['no root is installed: whatever a machine says of its keys is claimed'] : roots.map(lineOf),
    );
  });
}

export async function remove(output: Output, typed: string, options: RootsOptions): Promise<void> {
  if (!/^[0-9a-f]{8,64}$/i.test(typed))
    throw usage('a root is named by its fingerprint, or at least eight digits of it', 'see: holdfast roots list');
  await asOperator(output, options, async (session) => {
    const before = await readRoots(ownerOf(session));
    const matches = (each: Uint8Array) => rootOf(new X509Certificate(each)).root.startsWith(typed.toLowerCase());
    const [only, another] = before.filter(matches);
    if (only === undefined || another !== undefined)
      throw new HoldfastError('usage', `${another === undefined ? 'no root begins' : 'several roots begin'} with ${typed}`, {
        next: 'see: holdfast roots list',
      });
    await writeRoots(
      ownerOf(session),
      before.filter((each) => each !== only),
    );
    const root = rootOf(new X509Certificate(only));
    output.result({ removed: root.root }, [
      `removed ${lineOf(root)}`,
      'agents that it vouched for stay attested: see holdfast agents, and revoke those',
    ]);
  });
}

function ownerOf({ paths, facts, operator }: LocalOperator): Owner {
  return { folder: paths.operator, fleet: facts.fleet, holder: operator.holder };
}

function rootOf({ fingerprint256, subject, validToDate }: X509Certificate): Root {
  return { root: fingerprint256.replaceAll(':', '').toLowerCase(), subject: nameOf(subject), validToMs: validToDate.getTime() };
}

function lineOf({ root, subject, validToMs }: Root): string {
  return `${root.slice(0, 16)}  ${visible(subject)}, until ${new Date(validToMs).toISOString().slice(0, 10)}`;
}

function readFile(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new HoldfastError('usage', `cannot read ${file}`, { cause, next: 'name a file that you can read' });
  }
}
