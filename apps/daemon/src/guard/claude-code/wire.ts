// What Claude Code's hooks send, as events: strict in what it reads, blind to what it does not know. spec/guard.md [GUARD-1], [GUARD-2].
// Measured with 2.1.330.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Json } from '@holdfast/protocol/rules/call';

/** A Write of a large file is a megabyte or two. */
export const maxEventBytes = 8 << 20;
/** An input is a few objects deep. */
export const maxEventDepth = 64;

const maxNameLength = 256;
const maxPathLength = 4096;

interface Common {
  /** The harness's conversation, `session_id`. */
  readonly conversation: string;
  readonly directory: string;
  /** Whose event it is, if it is a sub-agent's: its id, and its type where that is told. */
  readonly subAgent?: { readonly id: string; readonly type?: string };
}

/** Asked by the mod, at a place that hooks do not see. Without an id it is no call of the model's; without a directory, it is where the hook said. */
export type GateEvent = Pick<Common, 'subAgent'> & {
  readonly kind: 'gate';
  readonly name: string;
  readonly input: Json;
} & ({ readonly id: string; readonly directory: string | undefined } | { readonly id: undefined; readonly directory: string });

export type HookEvent = Common &
  (
    | { readonly kind: 'act'; readonly event: 'PreToolUse'; readonly id: string; readonly name: string; readonly input: Json }
    | { readonly kind: 'ran'; readonly event: string; readonly id: string }
    | { readonly kind: 'prompt'; readonly event: 'UserPromptSubmit'; readonly prompt?: string }
    | { readonly kind: 'command'; readonly event: 'UserPromptExpansion'; readonly name: string; readonly input: Json }
    | { readonly kind: 'context'; readonly event: 'SessionStart' | 'SubagentStart' }
    | { readonly kind: 'stopped'; readonly event: 'SubagentStop' }
    | { readonly kind: 'settings'; readonly event: 'ConfigChange'; readonly source: string }
    | { readonly kind: 'instructions'; readonly event: 'InstructionsLoaded'; readonly path: string }
    /** Nothing to decide, nothing to say. */
    | { readonly kind: 'told'; readonly event: string }
  );

/** Events that have no effect and take no context. */
const told: ReadonlySet<string> = new Set(['CwdChanged', 'PostCompact', 'PostToolBatch', 'PreCompact', 'SessionEnd', 'Stop']);

/** @throws codec_shape, codec_limit: what cannot be read must not happen */
export function readEvent(body: unknown): HookEvent | GateEvent {
  assertDepth(body);
  const fields = body as { readonly [key: string]: Json };
  const event = text(fields, 'hook_event_name', maxNameLength);
  if (event === 'Gate') return { ...gate(fields), ...subAgentOf(fields) };
  const common: Common = {
    conversation: text(fields, 'session_id', maxNameLength),
    directory: directory(fields),
    ...subAgentOf(fields),
  };
  const name = (key: string) => text(fields, key, maxNameLength);
  switch (event) {
    case 'PreToolUse':
      return { ...common, kind: 'act', event, id: name('tool_use_id'), name: name('tool_name'), input: input(fields) };
    case 'PostToolUse':
    case 'PostToolUseFailure':
      return { ...common, kind: 'ran', event, id: name('tool_use_id') };
    case 'UserPromptSubmit':
      return { ...common, kind: 'prompt', event, ...promptOf(fields) };
    case 'UserPromptExpansion': {
      const { command_args: args = null, command_source: source = null, expansion_type: type = null } = fields;
      return {
        ...common,
        kind: 'command',
        event,
        name: name('command_name'),
        input: { skill: name('command_name'), args, source, type },
      };
    }
    case 'SessionStart':
    case 'SubagentStart':
      return { ...common, kind: 'context', event };
    case 'SubagentStop':
      return { ...common, kind: 'stopped', event };
    case 'ConfigChange':
      return { ...common, kind: 'settings', event, source: name('source') };
    case 'InstructionsLoaded':
      return { ...common, kind: 'instructions', event, path: text(fields, 'file_path', maxPathLength) };
    default:
      if (told.has(event)) return { ...common, kind: 'told', event };
      throw new HoldfastError('codec_shape', 'an event that the guard does not know'); // [GUARD-2]
  }
}

function promptOf(fields: { readonly [key: string]: Json }): { readonly prompt?: string } {
  const prompt = optional(fields, 'prompt', maxEventBytes);
  return prompt === undefined ? {} : { prompt };
}

/** A conversation that was given a type of its own as a whole has one too, and no id. */
function subAgentOf(fields: { readonly [key: string]: Json }): Pick<Common, 'subAgent'> {
  const id = optional(fields, 'agent_id', maxNameLength);
  const type = optional(fields, 'agent_type', maxNameLength);
  return id === undefined ? {} : { subAgent: { id, ...(type !== undefined && type !== '' && { type }) } };
}

function gate(fields: { readonly [key: string]: Json }): GateEvent {
  const told = { kind: 'gate', name: text(fields, 'tool_name', maxNameLength), input: input(fields) } as const;
  const id = optional(fields, 'tool_use_id', maxNameLength);
  if (id === undefined) return { ...told, id, directory: directory(fields) };
  return { ...told, id, directory: fields['cwd'] === undefined ? undefined : directory(fields) };
}

/** Without recursion: a thousand brackets must not end in a stack that overflows somewhere else. */
function assertDepth(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new HoldfastError('codec_shape', 'an object expected');
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxEventDepth) throw new HoldfastError('codec_limit', `more than ${maxEventDepth} levels`);
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? (Object.values(value) as unknown[]) : []));
  }
}

function text(fields: { readonly [key: string]: Json }, key: string, max: number): string {
  const value = optional(fields, key, max);
  if (value === undefined || value === '') throw new HoldfastError('codec_shape', `${key}: text expected`);
  return value;
}

function optional(fields: { readonly [key: string]: Json }, key: string, max: number): string | undefined {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new HoldfastError('codec_shape', `${key}: text expected`);
  if (value.length > max) throw new HoldfastError('codec_limit', `${key}: more than ${max} characters`);
  return value;
}

function directory(fields: { readonly [key: string]: Json }): string {
  const value = text(fields, 'cwd', maxPathLength);
  if (!value.startsWith('/')) throw new HoldfastError('codec_shape', 'cwd: an absolute path expected');
  return value;
}

function input(fields: { readonly [key: string]: Json }): Json {
  const value = Object.hasOwn(fields, 'tool_input') ? fields['tool_input'] : undefined;
  if (value === undefined) throw new HoldfastError('codec_shape', 'tool_input: a value expected');
  return value;
}
