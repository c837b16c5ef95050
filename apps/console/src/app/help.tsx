// The keys that there are, here and everywhere.

import { For, type JSX } from 'solid-js';
import { Dialog } from '../design/dialog.tsx';
import './help.css';
import { shortcutGroups } from './keys.ts';

export default function Help(props: { readonly open: boolean; readonly onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" open={props.open} onClose={() => props.onClose()}>
      <For each={shortcutGroups()}>
        {(group) => (
          <section>
            <h3>{group.title}</h3>
            <dl class="help">
              <For each={group.shortcuts}>
                {(shortcut) => (
                  <div class="help-row">
                    <dt>
                      <For each={shortcut.keys.split(' ')}>{(key) => <kbd>{key}</kbd>}</For>
                    </dt>
                    <dd>{shortcut.does}</dd>
                  </div>
                )}
              </For>
            </dl>
          </section>
        )}
      </For>
    </Dialog>
  );
}
