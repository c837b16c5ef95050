// `holdfast vault import FILE`: credentials out of a `.env` file into the vault. Shows what it would do; does it with `--apply`; and takes the
// lines out of the file with `--remove`, once the relay has what they held.

import { randomBytes } from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol/errors';
import { addItem } from '@holdfast/protocol/journal/compose';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { assertSecretFits } from '@holdfast/protocol/vault/attach';
import { vaultItem, type VaultItem } from '@holdfast/protocol/vault/item';
import { templateForVariable, templateNamed } from '@holdfast/protocol/vault/templates';
import { parseAttach, parseFence } from '@holdfast/protocol/vault/terms';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { usage, visible, type Output } from '../output.ts';
import { assertRemovable, readEnvFile, takeOut, type EnvFile } from '../vault/env-file.ts';
import type { EnvEntry } from '../vault/env-text.ts';

interface ImportOptions {
  readonly passphraseFile?: string;
  readonly take?: readonly string[];
  readonly apply?: boolean;
  readonly remove?: boolean;
}

interface Taken {
  readonly variable: string;
  readonly template: string;
  readonly item: VaultItem;
  readonly value: { readonly from: number; readonly to: number };
}

interface Left {
  readonly variable: string;
  readonly line: number;
  readonly why: 'no template' | 'unclear' | 'unfit';
}

export async function importFile(output: Output, file: string, options: ImportOptions): Promise<void> {
  if (options.remove === true && options.apply !== true)
    throw usage('--remove takes out of the file what --apply has kept', 'add --apply');
  const env = readEnvFile(file);
  try {
    if (options.remove === true) assertRemovable(env);
    const { taken: chosen, left } = choose(env, options.take);
    let taken = chosen;
    if (options.apply === true && taken.length > 0) {
      await asOperator(output, options, async (session) => {
        taken = await keep(session, env, chosen);
      });
      // What the relay has acknowledged is durable there. [CLI-50]
      if (options.remove === true) takeOut(env, new Set(taken.map(({ variable }) => variable)));
    }
    const done = options.apply === true;
    output.result(
      {
        file: env.path,
        applied: done && taken.length > 0,
        removed: options.remove === true && taken.length > 0,
        taken: taken.map(({ variable, template, item }) => ({ variable, template, name: item.name, item: item.id })),
        left,
      },
      [
        ...taken.map(({ variable, item }) => `${visible(variable)} ${done ? 'is kept as' : 'would be kept as'} ${item.name}`),
        ...left.map(({ variable, line, why }) => `${visible(variable)} (line ${line}) stays: ${why}`),
        ...(env.bound === undefined ? [] : [`  ${visible(file)}: ${visible(env.bound)}`]),
        ...nextSteps(env, file, options, taken),
      ],
    );
  } finally {
    env.bytes.fill(0);
  }
}

/** What the vault has already, from a run that did not come to its end, is not kept again. Throws `name_taken` for what is another one there. */
async function keep(session: LocalOperator, env: EnvFile, chosen: readonly Taken[]): Promise<readonly Taken[]> {
  const kept: Taken[] = [];
  for (const each of chosen) {
    const { item, value } = each;
    const secret = env.bytes.subarray(value.from, value.to);
    const same = [...session.state.items.values()].find(({ name }) => name === item.name);
    if (same !== undefined && (await isSame(session, same.id, secret))) kept.push({ ...each, item: { ...item, id: same.id } });
    else {
      await session.write((operator) => addItem(operator, item, secret));
      kept.push(each);
    }
  }
  return kept;
}

async function isSame(session: LocalOperator, item: Uint8Array, secret: Uint8Array): Promise<boolean> {
  const held = await session.openSecret(item);
  const same = equalBytes(held, secret);
  held.fill(0);
  return same;
}

function nextSteps(env: EnvFile, file: string, options: ImportOptions, taken: readonly Taken[]): string[] {
  if (taken.length === 0) return ['nothing to keep', '  next: name one and its template: --take VARIABLE=TEMPLATE'];
  if (options.apply !== true)
    return env.bound === undefined
      ? [`  next: holdfast vault import ${visible(file)} --apply, with --remove to take them out of the file`]
      : [`  next: holdfast vault import ${visible(env.path)} --apply`];
  const [first] = taken;
  return [
    ...(options.remove === true
      ? ['  they are out of the file; what read it before, its history and its backups still have them: rotate them upstream']
      : ['  they are still in the file, where agents that run unsealed can read them']),
    `  next: holdfast vault grant ${first?.item.name ?? ''} --to main`,
  ];
}

function choose(
  env: EnvFile,
  take: readonly string[] | undefined,
): { readonly taken: readonly Taken[]; readonly left: readonly Left[] } {
  const wanted = take === undefined ? undefined : new Map(take.map(parseTake));
  const names = new Set(env.entries.map(({ name }) => name));
  for (const name of wanted?.keys() ?? [])
    if (!names.has(name)) throw usage(`there is no variable ${name} in the file`, 'see its names: holdfast vault import FILE');
  const taken: Taken[] = [];
  const left: Left[] = [];
  for (const { line, name: variable, value } of env.entries) {
    const template = wanted === undefined ? templateForVariable(variable) : wanted.get(variable);
    const why = template === undefined ? 'no template' : value === undefined ? 'unclear' : undefined;
    if (why !== undefined || template === undefined || value === undefined) left.push({ variable, line, why: why ?? 'unclear' });
    else {
      const item = itemOf(variable, template, wanted !== undefined);
      if (fits(env, value, item)) taken.push({ variable, template, item, value });
      else left.push({ variable, line, why: 'unfit' });
    }
  }
  return { taken: onlyOnce(taken), left };
}

/** `VARIABLE=TEMPLATE`, or a variable that a template knows. */
function parseTake(typed: string): [variable: string, template: string] {
  const [variable = '', named] = typed.split('=', 2);
  const template = named ?? templateForVariable(variable);
  if (template === undefined) throw usage(`no template knows ${variable}`, `say which: --take ${variable}=TEMPLATE`);
  if (templateNamed(template).hosts.length === 0)
    throw usage(`${template} says no host`, `keep that one by itself: holdfast vault add … --template ${template} --host HOST`);
  return [variable, template];
}

/** By its template's name where the variable is one of the template's own, else by the variable's. */
function itemOf(variable: string, template: string, chosen: boolean): VaultItem {
  const { hosts, attach, paths, variables } = templateNamed(template);
  const name = chosen && !variables.includes(variable) ? variable.toLowerCase().replaceAll('_', '-') : template;
  return vaultItem.parse(
    { id: randomBytes(16), name, attach: parseAttach(attach), fence: parseFence({ hosts, paths }), env: variable },
    'credential',
  );
}

function fits(env: EnvFile, value: NonNullable<EnvEntry['value']>, item: VaultItem): boolean {
  try {
    assertSecretFits(env.bytes.subarray(value.from, value.to), item.attach);
    return true;
  } catch (cause) {
    if (cause instanceof HoldfastError && cause.code === 'secret_unfit') return false;
    throw cause;
  }
}

/** Two variables of one template: which of the two is meant is the person's to say. */
function onlyOnce(taken: readonly Taken[]): readonly Taken[] {
  const names = taken.map(({ item }) => item.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return taken;
  throw usage(`more than one variable would be kept as ${twice}`, 'say which with --take VARIABLE');
}
