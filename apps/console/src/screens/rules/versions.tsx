// The sets that were signed: what each changed, and a way back to one.

import type { SignedRules } from '@holdfast/protocol/journal/state';
import { createSignal, For, Show, type JSX } from 'solid-js';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Changes } from './changes.tsx';
import type { ChangeText } from './rules-work.ts';

interface VersionsProps {
  /** The newest first. */
  readonly versions: readonly SignedRules[];
  readonly compare: (before: string, after: string) => Promise<readonly ChangeText[]>;
  readonly edit: (signed: SignedRules) => void;
}

export function Versions(props: VersionsProps): JSX.Element {
  return (
    <section class="page-part" aria-labelledby="versions">
      <h2 id="versions">Versions</h2>
      <ul class="rows">
        <For each={props.versions}>
          {(version, index) => (
            <Version
              version={version}
              isNewest={index() === 0}
              before={props.versions[index() + 1]}
              compare={props.compare}
              edit={() => props.edit(version)}
            />
          )}
        </For>
      </ul>
    </section>
  );
}

interface VersionProps {
  readonly version: SignedRules;
  readonly isNewest: boolean;
  readonly before: SignedRules | undefined;
  readonly compare: VersionsProps['compare'];
  readonly edit: () => void;
}

function Version(props: VersionProps): JSX.Element {
  const [changes, setChanges] = createSignal<readonly ChangeText[]>();
  const look = async (): Promise<void> => {
    const { before, version } = props;
    if (before !== undefined) setChanges(await props.compare(before.text, version.text));
  };
  return (
    <li class="rules-version">
      <span class="row-title">
        Version {props.version.version}
        {props.isNewest ? ', in force' : ''}
      </span>
      <span class="quiet">
        <Ago atMs={props.version.setAtMs} />
      </span>
      <div class="rules-acts">
        <Show when={props.before !== undefined}>
          <Button
            label={`What version ${props.version.version} changed`}
            expanded={changes() !== undefined}
            onClick={() => (changes() === undefined ? void look() : setChanges(undefined))}
          >
            What it changed
          </Button>
        </Show>
        <Button label={`Put version ${props.version.version} into the editor`} onClick={props.edit}>
          Edit this one
        </Button>
      </div>
      <Show when={changes()}>{(all) => <Changes changes={all()} />}</Show>
    </li>
  );
}
