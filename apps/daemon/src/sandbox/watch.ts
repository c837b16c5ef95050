// Notices when a protected place of the tree is replaced from outside while a session is open. The kernel drops a mount whose place
// is renamed over or removed elsewhere (git rewrites its config that way), and the session could then write what took its place.
// So the session ends. spec/sandbox.md [SANDBOX-13].

import { lstatSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

export class PlaceWatch {
  readonly #watchers: FSWatcher[] = [];
  readonly #identities = new Map<string, string>();
  readonly #onReplaced: (path: string) => void;

  /** `onReplaced` is called once, with the first path that is no longer what it was. */
  constructor(paths: readonly string[], onReplaced: (path: string) => void) {
    this.#onReplaced = onReplaced;
    for (const path of paths) this.#identities.set(path, identity(path));
    const folders = Map.groupBy(paths, (path) => dirname(path));
    for (const [folder, places] of folders) {
      const byName = new Map(places.map((path) => [basename(path), path]));
      const watcher = watch(folder, (_, name) => {
        const changed = name === null ? places : [byName.get(name)];
        for (const path of changed) if (path !== undefined) this.#check(path);
      });
      // The folder itself is gone: so are the places in it.
      watcher.on('error', () => this.checkAll());
      this.#watchers.push(watcher);
    }
    // What happened before the watching began.
    this.checkAll();
  }

  /** Also when the session has ended: a change of the last moment may not have been told yet. */
  checkAll(): void {
    for (const path of this.#identities.keys()) this.#check(path);
  }

  #check(path: string): void {
    if (this.#watchers.length === 0 || identity(path) === this.#identities.get(path)) return;
    this.close();
    this.#onReplaced(path);
  }

  close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }
}

function identity(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev}:${found.ino}`;
}
