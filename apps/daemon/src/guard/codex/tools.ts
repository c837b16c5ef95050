// Codex's tools in canonical words, spec/guard.md. Its shell tools report as `Bash`, whatever the model calls them; what writes files is a patch.
// Measured with 0.169.0.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Json } from '@holdfast/protocol/rules/call';
import type { Named } from '../reported.ts';

type Input = { readonly [key: string]: Json };

/** @throws codec_shape for an input that the tool would not take */
export function namedCall(name: string, input: Json): Named {
  const server = /^mcp__(.+?)__(.+)$/s.exec(name);
  if (server !== null) return { tool: 'mcp', name, input, server: server[1] ?? '', mcpTool: server[2] ?? '' };
  switch (name) {
    case 'Bash':
      return { tool: 'shell', name, input, command: text(name, input, 'command') };
    case 'apply_patch': {
      const patch = text(name, input, 'command');
      return { tool: 'edit', name, input, paths: patchedPaths(patch), text: patch };
    }
    case 'view_image':
      return { tool: 'read', name, input, paths: [text(name, input, 'path')] };
    default:
      return { tool: 'other', name, input };
  }
}

/** What a patch adds, changes, deletes or moves to; one that names no file is none. */
function patchedPaths(patch: string): readonly string[] {
  const named = patch.matchAll(/^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\r?$/gm);
  const paths = [...named].map(([, path = '']) => path);
  if (paths.length === 0) throw new HoldfastError('codec_shape', 'apply_patch: the patch names no file');
  return paths;
}

function text(name: string, input: Json, key: string): string {
  const fields = typeof input === 'object' && input !== null && !Array.isArray(input) ? (input as Input) : {};
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (typeof value !== 'string') throw new HoldfastError('codec_shape', `${name}.${key} is no text`);
  return value;
}
