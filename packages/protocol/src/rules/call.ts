// One act of an agent, in words that fit every harness, and what the daemon knows about who acts. spec/rules.md. What maps a harness's
// event to a call is the guard; rules see only this.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const tools = ['shell', 'read', 'write', 'edit', 'search', 'fetch', 'agent', 'mcp', 'message', 'skill', 'other'] as const;
export type Tool = (typeof tools)[number];

export interface ToolCall {
  readonly tool: Tool;
  /** `claude-code`, `codex`; `broker` for what the daemon's own broker saw. */
  readonly harness: string;
  /** The harness's own word: `Bash`, `mcp__github__create_issue`. */
  readonly name: string;
  /** The harness's own input, nested as it came. */
  readonly input: Json;
  // The canonical parts; absent where the tool has none.
  /** shell */
  readonly command?: string;
  /** read, write, edit, search: absolute; where a symlink leads elsewhere, both spellings. */
  readonly paths?: readonly string[];
  /** fetch */
  readonly url?: string;
  /** fetch, upper case */
  readonly method?: string;
  /** mcp */
  readonly server?: string;
  readonly mcpTool?: string;
  /** message, agent: what is said; write, edit: the new content */
  readonly text?: string;
}

/** What the daemon knows, never what the caller says. */
export interface CallContext {
  readonly agent: string;
  readonly scope: string;
  readonly mode: 'sealed' | 'guarded';
  /** Absolute, symlinks resolved: relative paths of the call begin here, and `./` in a rule is this folder. */
  readonly directory: string;
  /** Absolute: `~` in a rule and in a call. */
  readonly home: string;
  /** As `github.com/owner/name`, from the tree's own remote. */
  readonly repository?: string;
  readonly branch?: string;
  /** Labels that this session carries. */
  readonly labels: ReadonlySet<string>;
  readonly nowMs: number;
  /** The type of the sub-agent that acts, then of those above it; absent where the agent acts itself. */
  readonly subagent?: readonly [string, ...string[]];
}
