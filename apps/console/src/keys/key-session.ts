// Whether this tab is locked, and what makes it so, spec/console-key.md: by hand in any tab, by time, by leaving. Whoever shows something of the fleet
// listens here, and has nothing left to show once it is locked.

import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import type { AutoLock } from './auto-lock.ts';
import type { NewKeys } from './new-keys.ts';
import type { OperatorKeys, Unlocked } from './operator-keys.ts';
import type { TabNews, Tabs } from './tabs.ts';
import type { Way } from './ways.ts';

interface SessionPorts {
  readonly keys: OperatorKeys;
  readonly tabs: Pick<Tabs, 'tell' | 'hear'>;
  /** Watches for input, and calls what it is given when there was none. */
  readonly autoLock: (lock: () => void, touched: () => void) => AutoLock;
  /** Minutes, of the setting. */
  readonly lockMinutes: () => Promise<number>;
}

export class KeySession {
  readonly keys: OperatorKeys;
  readonly #tabs: Pick<Tabs, 'tell' | 'hear'>;
  readonly #autoLock: AutoLock;
  readonly #lockMinutes: () => Promise<number>;
  readonly #listeners = new Set<() => void>();
  #unlocked: Unlocked | undefined;

  constructor({ keys, tabs, autoLock, lockMinutes }: SessionPorts) {
    this.keys = keys;
    this.#tabs = tabs;
    this.#lockMinutes = lockMinutes;
    this.#autoLock = autoLock(
      () => this.#locked(),
      () => tabs.tell('touched'),
    );
    tabs.hear((news) => this.#heard(news));
  }

  /** Undefined while locked. */
  get unlocked(): Unlocked | undefined {
    return this.#unlocked;
  }

  /** `listener` is called after each lock and unlock. Returns what ends it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Throws as `OperatorKeys.unlock`. */
  async unlock(way: Way): Promise<Unlocked> {
    return this.#opened(await this.keys.unlock(way));
  }

  /** Throws as `OperatorKeys.save`. */
  async save(made: NewKeys, facts: OperatorFacts): Promise<Unlocked> {
    const unlocked = await this.#opened(await this.keys.save(made, facts));
    this.#tabs.tell('key');
    return unlocked;
  }

  /** By hand: every tab of this browser. [BKEY-11] */
  lock(): void {
    this.#tabs.tell('locked');
    this.#autoLock.now();
  }

  /** Of the setting, from now on. */
  set lockMinutes(minutes: number) {
    this.#autoLock.minutes = minutes;
  }

  async #opened(unlocked: Unlocked): Promise<Unlocked> {
    this.#unlocked = unlocked;
    this.#autoLock.start(await this.#lockMinutes());
    this.#tell();
    return unlocked;
  }

  #heard(news: TabNews): void {
    if (news === 'locked') this.#autoLock.now();
    else if (news === 'touched') this.#autoLock.touched();
  }

  #locked(): void {
    this.keys.lock();
    this.#unlocked = undefined;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
