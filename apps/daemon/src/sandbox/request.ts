// What the daemon asks of a sandbox, and what it gets. The entry is start.ts.

import type { Server } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { FoundCommand } from './command.ts';
import type { EtcFile } from './etc-files.ts';
import type { TerminalSize } from './terminal.ts';

export interface SandboxRequest {
  /** argv; argv[0] is looked up on `callerPath`. */
  readonly command: readonly string[];
  /** Looks at the program before anything is made. Throws what speaks against it. */
  readonly assertFit?: (program: FoundCommand, tree: string) => void;
  /** Set: the program lies in what every session of this request sees, or in one of these; no place is made visible for it. [SANDBOX-18] */
  readonly within?: readonly string[] | undefined;
  /** The working tree. */
  readonly cwd: string;
  /** Host folder (0700) that persists for the scope; it is HOME inside. */
  readonly scopeHome: string;
  readonly callerPath: string;
  /** The operator's home: never visible. */
  readonly callerHome: string;
  /** Placeholders, `--pass-env` values and the caller's locale; everything else is built from the allow-list. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of `localhost`, `127.0.0.1` and `::1`, those that mean the host's and lead to the broker; the others are the session's own. */
  readonly brokered?: readonly string[];
  /** Undefined: plain pipes. */
  readonly terminal: (TerminalSize & { readonly term: string }) | undefined;
  /** PEM; all that the session's clients trust. */
  readonly caBundle: Uint8Array;
  /** Holdfast's data home and its like: never mounted. */
  readonly withheld: readonly string[];
  /** Holdfast's own tree: read-only inside, also where it lies in `cwd`. */
  readonly installation: string;
  /** Places of the tree, by their real paths, that the session must not read, or not write. What is not there is left alone. */
  readonly masked?: readonly string[];
  readonly readOnly?: readonly string[];
  /** Read-only files below /etc, such as an agent's managed settings, which name the door. */
  readonly etcFiles?: (inside: Inside) => readonly EtcFile[];
}

/** What is settled before a session starts, for files that have to name it. */
export interface Inside {
  readonly doorPort: number;
  readonly home: string;
  readonly shell: string;
  /** The Node that starts the session: visible inside at this path, whatever PATH holds. */
  readonly node: string;
  /** Loopback names that are the session's own, and need no proxy. */
  readonly direct: readonly string[];
}

export interface Sandbox {
  /** Listens on 127.0.0.1 inside the session's network namespace; the caller accepts on it and closes it when the session has ended. */
  readonly door: Server;
  readonly doorPort: number;
  /** HOME inside. */
  readonly home: string;
  /** The session's own root, as a folder of the host: what the session sees at a path lies below it. Links there may lead anywhere. */
  readonly root: string;
  readonly input: Writable;
  readonly output: Readable;
  /** Undefined with a terminal, which has one stream for both. */
  readonly errors: Readable | undefined;
  /** Nothing without a terminal, or when the session has ended. */
  resize(columns: number, rows: number): Promise<void>;
  /** To the terminal's foreground group; without a terminal, to the payload's group. Nothing when the session has ended. */
  signal(name: NodeJS.Signals): void;
  /** Whether the command is stopped, as Ctrl-Z stops it. False without a terminal, or when the session has ended. */
  isStopped(): boolean;
  /**
   * The command's own code, 128 + n for a signal. Every process inside is gone when it settles.
   * @throws sandbox_tree_changed when somebody outside replaced what the session must not write
   */
  readonly exited: Promise<number>;
  /** Ends every process inside, at once; any number of times. */
  kill(): void;
}
