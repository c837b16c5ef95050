// Claude Code's tools in canonical words, spec/guard.md. A tool that is not in the table is `other`; an input that a tool of the table would not
// take is no call at all.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Json, Tool } from '@holdfast/protocol/rules/call';
import type { Named } from '../reported.ts';

type Input = { readonly [key: string]: Json };

interface Mapping {
  readonly tool: Tool;
  /** Keys of the input; those of `paths` and `text` may be absent. */
  readonly command?: string;
  readonly paths?: readonly string[];
  readonly url?: string;
  readonly text?: readonly string[];
  /** Without a path it acts where the agent stands. */
  readonly here?: true;
}

const builtIn: Readonly<Record<string, Mapping>> = {
  Bash: { tool: 'shell', command: 'command' },
  PowerShell: { tool: 'shell', command: 'command' },
  Read: { tool: 'read', paths: ['file_path'] },
  NotebookRead: { tool: 'read', paths: ['notebook_path'] },
  LSP: { tool: 'read', paths: ['filePath'] },
  Write: { tool: 'write', paths: ['file_path'], text: ['content'] },
  Edit: { tool: 'edit', paths: ['file_path'], text: ['new_string'] },
  MultiEdit: { tool: 'edit', paths: ['file_path'], text: ['edits'] },
  NotebookEdit: { tool: 'edit', paths: ['notebook_path'], text: ['new_source'] },
  Glob: { tool: 'search', paths: ['path'], here: true },
  Grep: { tool: 'search', paths: ['path'], here: true },
  LS: { tool: 'search', paths: ['path'], here: true },
  // What these find is the harness's own: its tools, its agents, its timetable.
  ToolSearch: { tool: 'search' },
  ListAgents: { tool: 'search' },
  CronList: { tool: 'search' },
  WebFetch: { tool: 'fetch', url: 'url', text: ['prompt'] },
  WebSearch: { tool: 'fetch', text: ['query'] },
  Agent: { tool: 'agent', text: ['prompt'] },
  Task: { tool: 'agent', text: ['prompt'] },
  Workflow: { tool: 'agent', paths: ['scriptPath'], text: ['script'] },
  // A prompt for later is an agent's work for later.
  CronCreate: { tool: 'agent', text: ['prompt'] },
  ScheduleWakeup: { tool: 'agent', text: ['prompt'] },
  SendMessage: { tool: 'message', text: ['message'] },
  AskUserQuestion: { tool: 'message', text: ['questions'] },
  Skill: { tool: 'skill', text: ['skill', 'args'] },
  SlashCommand: { tool: 'skill', text: ['command'] },
};

/** @throws codec_shape for an input that the tool would not take */
export function namedCall(name: string, input: Json): Named {
  const fields = fieldsOf(name, input);
  const server = /^mcp__(.+?)__(.+)$/s.exec(name);
  if (server !== null) return { tool: 'mcp', name, input, server: server[1] ?? '', mcpTool: server[2] ?? '' };
  if (name === 'ReadMcpResourceTool' || name === 'ListMcpResourcesTool') {
    const mcpTool = name === 'ReadMcpResourceTool' ? 'resources/read' : 'resources/list';
    return { tool: 'mcp', name, input, server: optionalText(name, fields, 'server') ?? '*', mcpTool };
  }
  // It watches a command, or an address.
  if (name === 'Monitor') return monitorCall(name, input, fields);
  const mapping = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (mapping === undefined) return { tool: 'other', name, input };
  const { tool, command, paths = [], url, text = [], here } = mapping;
  const named = paths.flatMap((key) => optionalText(name, fields, key) ?? (here === true ? '.' : []));
  const said = text.flatMap((key) => textOf(fields[key]) ?? []);
  return {
    tool,
    name,
    input,
    ...(command !== undefined && { command: requiredText(name, fields, command) }),
    ...(named.length > 0 && { paths: named }),
    ...(url !== undefined && { url: requiredText(name, fields, url), method: 'GET' }),
    ...(said.length > 0 && { text: said.join(' ') }),
  };
}

/** The same input with its paths as `absolute` makes them: what a harness reports twice, once as it was written, is one call. */
export function withPaths(name: string, input: Json, absolute: (path: string) => string): Json {
  const keys = Object.hasOwn(builtIn, name) ? (builtIn[name]?.paths ?? []) : [];
  if (keys.length === 0) return input;
  const fields: Record<string, Json> = { ...fieldsOf(name, input) };
  for (const key of keys) {
    const value = fields[key];
    if (typeof value === 'string') fields[key] = absolute(value);
  }
  return fields;
}

function monitorCall(name: string, input: Json, fields: Input): Named {
  const { ws } = fields;
  if (ws === undefined) return { tool: 'shell', name, input, command: requiredText(name, fields, 'command') };
  if (fields['command'] !== undefined) throw new HoldfastError('codec_shape', `${name}: a command or an address, not both`);
  return { tool: 'fetch', name, input, url: requiredText(name, fieldsOf(name, ws), 'url'), method: 'GET' };
}

/** What is no text is said as JSON. */
function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fieldsOf(name: string, input: Json): Input {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new HoldfastError('codec_shape', `${name}: the input is no object`);
  return input as Input;
}

function optionalText(name: string, fields: Input, key: string): string | undefined {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new HoldfastError('codec_shape', `${name}.${key} is no text`);
  return value;
}

function requiredText(name: string, fields: Input, key: string): string {
  const value = optionalText(name, fields, key);
  if (value === undefined) throw new HoldfastError('codec_shape', `${name} has no ${key}`);
  return value;
}
