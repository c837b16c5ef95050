// The keyboard. A screen may have keys of its own for as long as it is there; none of them is heard while somebody types, or in a dialog.

import { createSignal, onCleanup, type Accessor } from 'solid-js';
import { KeySequence, type Shortcut } from './key-sequence.ts';

export interface ShortcutGroup {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

const [groups, setGroups] = createSignal<readonly ShortcutGroup[]>([]);
export const shortcutGroups: Accessor<readonly ShortcutGroup[]> = groups;

/** @public Until the owner is gone. What comes later has the word. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const group = { title, shortcuts };
  setGroups((all) => [...all, group]);
  onCleanup(() => setGroups((all) => all.filter((each) => each !== group)));
}

/** For as long as the page is there. */
export function listenForKeys(): void {
  const sequence = new KeySequence();
  const all = (): readonly Shortcut[] => groups().flatMap(({ shortcuts }) => shortcuts);
  const press = (event: KeyboardEvent): void => {
    const meant = sequence.press(event.key, event.timeStamp, all());
    if (meant === undefined) return;
    event.preventDefault();
    if (meant !== 'waits') meant.run();
  };
  // The second of two is taken before anybody else hears it: for them it would be a key by itself.
  addEventListener(
    'keydown',
    (event) => {
      if (!isMeant(event) || !sequence.isWaiting(event.timeStamp)) return;
      event.stopImmediatePropagation();
      press(event);
    },
    { capture: true },
  );
  addEventListener('keydown', (event) => {
    if (isMeant(event) && !event.defaultPrevented) press(event);
  });
}

function isMeant({ ctrlKey, metaKey, altKey, isComposing, key, target }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || isComposing || key === 'Shift') return false;
  if (document.querySelector('[role="dialog"], [role="alertdialog"]') !== null) return false;
  return !(target instanceof Element) || target.closest('input, textarea, select, [contenteditable]') === null;
}

/** `j` and `k`, where a screen has none of its own: through the rows in sight. */
export function moveThroughRows(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main .row, main [data-row]')].filter((row) => row.checkVisibility());
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at === -1 && by === -1 ? rows.length - 1 : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** `/`: the field for searching, where a screen has one. */
export function focusSearch(): void {
  document.querySelector<HTMLElement>('main input[type="search"], main [data-search]')?.focus();
}
