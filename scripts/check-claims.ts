// THREAT_MODEL.md and the catalogue of scripts/mutations/ agree: each claim has an id, a verdict and tests that exist, and a
// mutation that its tests must notice or a reason why there can be none; and no mutation has gone stale.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { claimOf, mutated, type Area, type Mutation } from './mutations/mutation.ts';
import { readClaims, threatModel, type Claim } from './threat-model.ts';

/** One line for each fault; empty when all is well. `root` is the repository's directory. */
export async function checkClaims(root: string): Promise<string[]> {
  const claims = readClaims(root);
  const areas = await catalogueOf(root);
  const byId = new Map(claims.toReversed().map((claim) => [claim.id, claim]));
  const mutations = areas.flatMap((area) => area.mutations);
  return [
    ...claims.flatMap((claim) => checkClaim(root, claim, byId)),
    ...claims.flatMap((claim) => checkCatalogued(claim, areas)),
    ...mutations.flatMap((mutation) => checkMutation(root, mutation, byId.get(claimOf(mutation)))),
    ...repeated(mutations.map(({ id }) => id)).map((id) => `scripts/mutations: ${id} is there twice`),
    ...areas
      .flatMap((area) => Object.keys(area.exceptions))
      .filter((id) => !byId.has(id))
      .map((id) => `scripts/mutations: an exception for ${id}, which ${threatModel} does not have`),
  ];
}

async function catalogueOf(root: string): Promise<readonly Area[]> {
  const file = join(root, 'scripts/mutations/catalogue.ts');
  if (!existsSync(file)) return [];
  return ((await import(pathToFileURL(file).href)) as { catalogue: readonly Area[] }).catalogue;
}

function checkClaim(root: string, claim: Claim, byId: ReadonlyMap<string, Claim>): string[] {
  const where = `${threatModel}:${claim.line}`;
  if (!/^[A-Z]-\d+$/.test(claim.id)) return [`${where}: the claim has no id: a letter for its section and the next free number`];
  const faults: string[] = [];
  const first = byId.get(claim.id);
  if (first !== claim) faults.push(`${where}: ${claim.id} is there twice`);
  if (!/^(impossible|bounded|tedious|absent)\b/.test(claim.verdict))
    faults.push(`${where}: ${claim.id} has no verdict: impossible, bounded, tedious or absent`);
  if (claim.tests.length === 0 && !claim.verdict.startsWith('absent')) faults.push(`${where}: ${claim.id} names no test`);
  for (const test of claim.tests) {
    if (!/\.(test|story)\.ts$/.test(test)) faults.push(`${where}: ${claim.id} names ${test}, which is no test file`);
    else if (!existsSync(join(root, test))) faults.push(`${where}: ${claim.id} names ${test}, which does not exist`);
  }
  return faults;
}

function checkCatalogued({ id, verdict, line }: Claim, areas: readonly Area[]): string[] {
  const where = `${threatModel}:${line}`;
  const known = areas.some((area) => area.mutations.some((mutation) => claimOf(mutation) === id));
  const excused = areas.some((area) => id in area.exceptions);
  if (known && excused) return [`${where}: ${id} has mutations, and a reason in scripts/mutations why it has none`];
  if (known || excused || verdict.startsWith('absent')) return [];
  return [`${where}: ${id} has no mutation in scripts/mutations: switch its control off there, or say why that cannot be`];
}

function checkMutation(root: string, mutation: Mutation, claim: Claim | undefined): string[] {
  const where = `scripts/mutations: ${mutation.id}`;
  if (!/^[A-Z]-\d+\.[a-z0-9]+(-[a-z0-9]+)*$/.test(mutation.id)) return [`${where}: an id is a claim's, a dot and words`];
  if (claim === undefined) return [`${where}: ${threatModel} has no claim ${claimOf(mutation)}`];
  const faults: string[] = [];
  const text = textOf(root, mutation.file);
  if (text === undefined) faults.push(`${where}: ${mutation.file} does not exist`);
  else {
    try {
      mutated(mutation, text);
    } catch (error) {
      faults.push(`${where}: ${(error as Error).message}`);
    }
  }
  const red = Object.entries(mutation.red);
  if (red.length === 0) faults.push(`${where}: no test turns red`);
  for (const [file, name] of red) {
    const test = textOf(root, file);
    if (!claim.tests.includes(file)) faults.push(`${where}: ${claim.id} does not name ${file}`);
    if (test === undefined) faults.push(`${where}: ${file} does not exist`);
    else if (!saysName(test, name)) faults.push(`${where}: ${file} has no test ${name}`);
  }
  return faults;
}

/** Some names are put together in a loop: then their beginning, their end and what is between stand in the file. */
function saysName(text: string, name: string): boolean {
  let from = name.length;
  while (from > 0 && !text.includes(name.slice(0, from))) from -= 1;
  let to = 0;
  while (to < name.length && !text.includes(name.slice(to))) to += 1;
  return to <= from || text.includes(name.slice(from, to));
}

function textOf(root: string, file: string): string | undefined {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function repeated(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}
