// Test vectors: ours under spec/vectors, one fault an entry; other people's in the folder that HOLDFAST_VECTORS names, which is not
// part of the repository. What a vector expects is `ok` or one error code.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** Where other people's vectors are. Undefined: this machine has none, and tests that need them skip with `noExternalVectors`. */
export const externalVectors: string | undefined = [
  process.env['HOLDFAST_VECTORS'] ?? resolve(repository, '../shared/vectors'),
].find((folder) => existsSync(folder));

/** For `{ skip: … }`: the reason, or false. */
export const noExternalVectors: string | false =
  externalVectors === undefined ? 'no external test vectors here: set HOLDFAST_VECTORS to their folder' : false;

function externalFile(path: string): Buffer {
  if (externalVectors === undefined) throw new Error('no external test vectors: the test skips');
  return readFileSync(resolve(externalVectors, path));
}

/** The caller names the type that the file's README describes. */
export function externalJson<T>(path: string): T {
  return JSON.parse(externalFile(path).toString('utf8')) as T;
}

/** The lines of a text file. */
export function externalLines(path: string): string[] {
  return externalFile(path).toString('utf8').trim().split('\n');
}

export function externalText(path: string): string {
  return externalFile(path).toString('utf8');
}

/** Names of what a folder of them holds. */
export function externalNames(path: string): string[] {
  return externalVectors === undefined ? [] : readdirSync(resolve(externalVectors, path)).toSorted();
}

/** The lines of a gzipped text file. */
export function externalGzipLines(path: string): string[] {
  return gunzipSync(externalFile(path)).toString('utf8').trim().split('\n');
}

export interface WycheproofTest {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'acceptable' | 'invalid';
}

/** The groups of one of Wycheproof's files: `G` are the group's fields, `T` a test's own. */
export function wycheproof<T, G = object>(name: string): readonly (G & { readonly tests: readonly (WycheproofTest & T)[] })[] {
  return externalJson<{ testGroups: (G & { tests: (WycheproofTest & T)[] })[] }>(`wycheproof/${name}_test.json`).testGroups;
}

export interface VectorEntry {
  readonly name: string;
  /** The clause whose fault, or whose good case, this is. */
  readonly clause: string;
  readonly expect: 'ok' | ErrorCode;
}

export interface VectorFile<E extends VectorEntry> {
  readonly about: string;
  readonly entries: readonly E[];
}

/** Our own vectors of one format, for example `codec/values`. */
export function ownVectors<E extends VectorEntry>(name: string): VectorFile<E> {
  return JSON.parse(readFileSync(resolve(repository, 'spec/vectors', `${name}.json`), 'utf8')) as VectorFile<E>;
}

/** What happened, in the words of a vector's `expect`. */
export async function outcomeOf(act: () => unknown): Promise<'ok' | ErrorCode> {
  try {
    await act();
    return 'ok';
  } catch (thrown) {
    return codeOf(thrown);
  }
}

export function fromVectorHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
