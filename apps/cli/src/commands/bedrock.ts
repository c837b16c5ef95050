// `holdfast bedrock …`: texts that an operator signs and every agent of the fleet has in its context: at the start of a session, after its context
// was compacted, and from its next turn on after a change.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { addBedrock, removeBedrock, replaceBedrock } from '@holdfast/protocol/journal/compose';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { maxBedrockCharacters } from '@holdfast/protocol/journal/bodies';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { usage, visible, type Output } from '../output.ts';
import { textFromStdin } from '../secrets-input.ts';

interface BedrockOptions {
  readonly passphraseFile?: string;
  readonly agent?: string;
}

interface Text {
  readonly id: Uint8Array;
  readonly text: string;
  readonly addedAtMs: number;
}

export async function add(output: Output, typed: string, options: BedrockOptions): Promise<void> {
  const text = textOf(typed);
  await asOperator(output, options, async (session) => {
    const { id } = await session.write((operator) => addBedrock(operator, text)).catch(tooMuch);
    const here = await session.appliedHere();
    output.result({ bedrock: id, text, applied: here === 'applied' }, ['every agent is told from its next turn on']);
  });
}

/** In one append: at no moment is neither told, or both. */
export async function edit(output: Output, typedId: string, typed: string, options: BedrockOptions): Promise<void> {
  assertId(typedId);
  const text = textOf(typed);
  await asOperator(output, options, async (session) => {
    const before = textNamed(session.state, typedId);
    const { id } = await session.write((operator) => replaceBedrock(operator, { before: before.id, text })).catch(tooMuch);
    const here = await session.appliedHere();
    output.result({ bedrock: id, text, before: before.id, applied: here === 'applied' }, [
      'every agent is told this instead, from its next turn on',
    ]);
  });
}

function textOf(typed: string): string {
  const text = (typed === '-' ? textFromStdin() : typed).trim();
  if (text === '') throw usage('there is nothing to tell');
  if (text.length > maxBedrockCharacters) throw usage(`the text is longer than ${maxBedrockCharacters} characters`);
  if (/[^\P{C}\n\t]/u.test(text)) throw usage('the text has control characters in it'); // [CLI-23]
  return text;
}

function assertId(typed: string): void {
  if (!/^[0-9a-f]{8,32}$/i.test(typed))
    throw usage('a text is named by its id, or at least eight digits of it', 'see: holdfast bedrock list');
}

/** Throws `bedrock_unknown`, also where more than one begins so. */
function textNamed({ bedrock }: FleetState, typed: string): Text {
  const found = [...bedrock.texts.values()].filter(({ id }) => toHex(id).startsWith(typed.toLowerCase()));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new HoldfastError('bedrock_unknown', `${found.length} texts begin with ${typed}`, { next: 'see: holdfast bedrock list' });
}

function tooMuch(thrown: unknown): never {
  if (thrown instanceof HoldfastError && thrown.code === 'limit_exceeded')
    throw new HoldfastError(
      'limit_exceeded',
      `all texts together may have ${maxBedrockCharacters} characters, and there may be 64`,
      {
        next: 'remove one: holdfast bedrock list',
        cause: thrown,
      },
    );
  throw thrown;
}

export async function remove(output: Output, typed: string, options: BedrockOptions): Promise<void> {
  assertId(typed);
  await asOperator(output, options, async (session) => {
    const { id, text } = textNamed(session.state, typed);
    await session.write((operator) => removeBedrock(operator, id));
    const here = await session.appliedHere();
    output.result({ bedrock: id, text, applied: here === 'applied' }, ['no agent is told any more']);
  });
}

export async function list(output: Output, options: BedrockOptions): Promise<void> {
  if (options.passphraseFile === undefined) {
    const { bedrock } = await askDaemon(findHome(), { kind: 'rules', agent: options.agent ?? 'main' }, 'rules');
    show(output, 'machine', bedrock);
    return;
  }
  await asOperator(output, options, async ({ state }) => {
    show(output, 'operator', { version: state.bedrock.version, texts: [...state.bedrock.texts.values()] });
  });
}

function show(
  output: Output,
  view: string,
  { version, texts }: { readonly version: number; readonly texts: readonly Text[] },
): void {
  output.result(
    { view, version, texts: texts.map(({ id, text, addedAtMs }) => ({ bedrock: id, text, addedAtMs })) },
    texts.length === 0 ? ['agents are told nothing'] : texts.map(({ id, text }) => `${toHex(id).slice(0, 8)}  ${visible(text)}`),
  );
}
