// The editor of rules: the platform's own text area, with numbers of lines and the fault at its line. No markup is made of what is typed.

import { createEffect, createMemo, For, Show, type JSX } from 'solid-js';
import type { Fault } from './rules-work.ts';

interface EditorProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly fault: Fault | undefined;
}

export function Editor(props: EditorProps): JSX.Element {
  let area: HTMLTextAreaElement | undefined;
  let gutter: HTMLDivElement | undefined;
  const lines = createMemo(() => Array.from({ length: props.value.split('\n').length }, (_, index) => index + 1));
  createEffect(() => {
    // what is put in from elsewhere; what is typed stands there already
    if (area !== undefined && area.value !== props.value) area.value = props.value;
  });
  const goTo = ({ line = 1, column = 1 }: Fault): void => {
    if (area === undefined) return;
    const before = area.value.split('\n').slice(0, line - 1);
    const at = before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    area.focus();
    area.setSelectionRange(at, at);
    area.scrollTop = Math.max(0, (area.scrollHeight / Math.max(1, lines().length)) * (line - 4));
  };
  return (
    <div class="rules-editor-box">
      <div class="rules-editor">
        <div class="rules-lines" aria-hidden="true" ref={(element) => (gutter = element)}>
          <For each={lines()}>{(line) => <span classList={{ 'rules-line-wrong': props.fault?.line === line }}>{line}</span>}</For>
        </div>
        <textarea
          ref={(element) => (area = element)}
          class="rules-source"
          aria-label="Rules, in YAML"
          aria-invalid={props.fault === undefined ? undefined : 'true'}
          aria-describedby={props.fault === undefined ? undefined : 'rules-fault'}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          wrap="off"
          onInput={(event) => props.onInput(event.currentTarget.value)}
          onScroll={(event) => {
            if (gutter !== undefined) gutter.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      <Show when={props.fault}>
        {(fault) => (
          <p class="rules-fault" id="rules-fault" role="status">
            <Show when={fault().line}>
              {(line) => (
                <button type="button" class="rules-go" onClick={() => goTo(fault())}>
                  Line {line()}
                </button>
              )}
            </Show>
            <span>
              {fault().message}
              {fault().next === undefined ? '' : `: ${fault().next}`}
            </span>
          </p>
        )}
      </Show>
    </div>
  );
}
