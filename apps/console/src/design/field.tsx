// Fields with their label, what helps, and what is wrong: told together to whoever hears them.

import { children, createUniqueId, For, Show, splitProps, type JSX } from 'solid-js';
import './field.css';

interface FieldProps {
  readonly label: string;
  readonly hint?: JSX.Element | undefined;
  /** What is wrong and what would be right. */
  readonly error?: string | undefined;
}

interface FieldIds {
  readonly id: string;
  readonly describedBy: string | undefined;
  readonly invalid: 'true' | undefined;
}

/** @public A field around an input of one's own. */
export function Field(props: FieldProps & { readonly children: (ids: FieldIds) => JSX.Element }): JSX.Element {
  const id = createUniqueId();
  const hint = children(() => props.hint);
  const hasHint = (): boolean => hint.toArray().length > 0;
  const ids: FieldIds = {
    id,
    get describedBy() {
      const about = [...(hasHint() ? [`${id}-hint`] : []), ...(props.error === undefined ? [] : [`${id}-error`])];
      return about.length === 0 ? undefined : about.join(' ');
    },
    get invalid() {
      return props.error === undefined ? undefined : 'true';
    },
  };
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <Show when={hasHint()}>
        <div class="field-hint" id={`${id}-hint`}>
          {hint()}
        </div>
      </Show>
      {props.children(ids)}
      <Show when={props.error !== undefined}>
        <div class="field-error" id={`${id}-error`} role="alert">
          {props.error}
        </div>
      </Show>
    </div>
  );
}

const own = ['label', 'hint', 'error', 'value', 'onInput', 'lines', 'mono', 'type'] as const;

interface TextFieldProps
  extends
    FieldProps,
    Pick<
      JSX.InputHTMLAttributes<HTMLInputElement>,
      | 'autocomplete'
      | 'autocapitalize'
      | 'autofocus'
      | 'disabled'
      | 'inputMode'
      | 'maxLength'
      | 'name'
      | 'placeholder'
      | 'required'
      | 'spellcheck'
    > {
  /** Left out, or without `onInput`: the form that it stands in is asked. */
  readonly value?: string;
  readonly onInput?: (value: string) => void;
  readonly type?: 'text' | 'password' | 'search' | 'number' | 'url' | 'date' | 'time';
  /** More than one makes a text area. */
  readonly lines?: number;
  readonly mono?: boolean;
  readonly ref?: (input: HTMLInputElement | HTMLTextAreaElement) => void;
}

/** @public */
export function TextField(props: TextFieldProps): JSX.Element {
  const [mine, , rest] = splitProps(props, own, ['ref']);
  const classes = (): string => (mine.mono === true ? 'field-input field-mono' : 'field-input');
  return (
    <Field label={props.label} hint={props.hint} error={props.error}>
      {(ids) => (
        <Show
          when={(mine.lines ?? 1) > 1}
          fallback={
            <input
              ref={(input) => props.ref?.(input)}
              id={ids.id}
              class={classes()}
              type={mine.type ?? 'text'}
              aria-describedby={ids.describedBy}
              aria-invalid={ids.invalid}
              value={mine.value}
              onInput={(event) => mine.onInput?.(event.currentTarget.value)}
              {...inputOnly(rest)}
            />
          }
        >
          <textarea
            ref={(area) => props.ref?.(area)}
            id={ids.id}
            class={classes()}
            rows={mine.lines}
            aria-describedby={ids.describedBy}
            aria-invalid={ids.invalid}
            value={mine.value}
            onInput={(event) => mine.onInput?.(event.currentTarget.value)}
            disabled={props.disabled}
            name={props.name}
            placeholder={props.placeholder}
            required={props.required}
            spellcheck={props.spellcheck ?? false}
            maxLength={props.maxLength}
          />
        </Show>
      )}
    </Field>
  );
}

interface SelectProps<T extends string> extends FieldProps {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly { readonly value: T; readonly label: string; readonly disabled?: boolean }[];
  readonly disabled?: boolean;
}

/** @public The platform's own: it is the best one on a phone, and the keyboard knows it. */
export function Select<T extends string>(props: SelectProps<T>): JSX.Element {
  return (
    <Field label={props.label} hint={props.hint} error={props.error}>
      {(ids) => (
        <select
          id={ids.id}
          class="field-input"
          aria-describedby={ids.describedBy}
          aria-invalid={ids.invalid}
          disabled={props.disabled}
          onChange={(event) => {
            const chosen = props.options[event.currentTarget.selectedIndex];
            if (chosen !== undefined) props.onChange(chosen.value);
          }}
        >
          <For each={props.options}>
            {(option) => (
              <option value={option.value} selected={option.value === props.value} disabled={option.disabled}>
                {option.label}
              </option>
            )}
          </For>
        </select>
      )}
    </Field>
  );
}

interface CheckProps extends FieldProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}

/** @public */
export function Check(props: CheckProps): JSX.Element {
  const id = createUniqueId();
  const hint = children(() => props.hint);
  return (
    <div class="check">
      <input
        id={id}
        class="check-box"
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        aria-describedby={hint.toArray().length > 0 ? `${id}-hint` : undefined}
        aria-invalid={props.error === undefined ? undefined : 'true'}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <label for={id}>{props.label}</label>
      <Show when={hint.toArray().length > 0}>
        <div class="field-hint" id={`${id}-hint`}>
          {hint()}
        </div>
      </Show>
      <Show when={props.error !== undefined}>
        <div class="field-error" role="alert">
          {props.error}
        </div>
      </Show>
    </div>
  );
}

function inputOnly(rest: Omit<TextFieldProps, (typeof own)[number] | 'ref'>): JSX.InputHTMLAttributes<HTMLInputElement> {
  return { spellcheck: false, autocapitalize: 'off', autocomplete: 'off', ...rest };
}
