// Entry of the sandbox: starts a command sealed off from the machine, with one door. spec/sandbox.md; DESIGN "The sandbox".

import { launch } from './launch.ts';
import type { Sandbox, SandboxRequest } from './request.ts';

export type { Sandbox, SandboxRequest } from './request.ts';

/**
 * Starts `request.command` in a sandbox of its own; resolves when the command is being executed and the door listens. Nothing ever
 * runs unsealed: a machine that cannot seal is an error.
 * @throws sandbox_unavailable, sandbox_tree_refused, sandbox_command_not_found, sandbox_start_failed, usage
 */
export function startSandbox(request: SandboxRequest): Promise<Sandbox> {
  return launch(request);
}
