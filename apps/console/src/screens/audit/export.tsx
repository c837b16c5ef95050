// Records for somewhere else: what is shown, to be read; a whole log, to be verified by people who have nothing of ours. spec/audit-export.md,
// spec/audit-bundle.md: the same lines as `holdfast audit export` writes.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { jsonLine } from '@holdfast/protocol/codec/json-line';
import { createSignal, For, Show, type JSX } from 'solid-js';
import { saveFile } from '../../app/save-file.ts';
import { Button } from '../../design/button.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { asError } from '../../fleet/acts.ts';
import { useLogs } from '../../fleet/logs.ts';

interface EventsProps {
  /** In the order in which they are written. */
  readonly events: readonly AuditEvent[];
  /** Of the file, without what says its form. */
  readonly name: string;
  /** What they are, as the button says it. */
  readonly what: string;
  readonly turn: () => Promise<void>;
}

/** Made in one go: some milliseconds. */
const eventsAtOnce = 250;

/** Events, one a line: to be read, and no proof of anything. [EXPORT-1] */
export function SaveEvents(props: EventsProps): JSX.Element {
  const [isBusy, setBusy] = createSignal(false);
  const save = async (): Promise<void> => {
    if (isBusy()) return;
    setBusy(true);
    const [{ events, name, turn }, parts] = [props, [] as string[]];
    for (let at = 0; at < events.length; at += eventsAtOnce) {
      const some = events.slice(at, at + eventsAtOnce);
      parts.push(some.map((event) => `${jsonLine(event)}\n`).join(''));
      await turn();
    }
    saveFile(`${name}.jsonl`, parts, 'application/jsonl');
    setBusy(false);
  };
  return (
    <Button busy={isBusy()} disabled={props.events.length === 0} onClick={() => void save()}>
      Save {props.what}
    </Button>
  );
}

/** Whole logs, each with its signed checkpoints and what its uses stand on. [BUNDLE-1] */
export function SaveLogs(): JSX.Element {
  const logs = useLogs();
  const [busy, setBusy] = createSignal<string>();
  const [failed, setFailed] = createSignal<unknown>();
  const save = async (agent: string, scope: string): Promise<void> => {
    if (busy() !== undefined) return;
    setBusy(agent);
    setFailed(undefined);
    try {
      const lines = await logs.bundleOf(agent);
      if (lines !== undefined) saveFile(`holdfast-${scope}.bundle.jsonl`, lines, 'application/jsonl');
    } catch (thrown) {
      setFailed(thrown);
    } finally {
      setBusy(undefined);
    }
  };
  return (
    <>
      <For each={logs.all().filter(({ stage, problem }) => stage === 'read' && problem === undefined)}>
        {({ agent, scope }) => (
          <Button busy={busy() === agent} onClick={() => void save(agent, scope)}>
            Save the whole log of {scope}
          </Button>
        )}
      </For>
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
    </>
  );
}
