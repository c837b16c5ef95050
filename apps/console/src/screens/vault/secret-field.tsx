// Where a secret is typed or pasted. It stands in the input alone until it is taken: no signal ever holds it, and the input is empty the moment after.

import { assertSecretFits, maxSecretBytes, type Attach } from '@holdfast/protocol/vault/attach';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { JSX } from 'solid-js';
import { Field } from '../../design/field.tsx';

/** What was typed, as bytes that the caller overwrites. */
export class TypedSecret {
  #input: HTMLInputElement | undefined;

  /** @internal */
  standsIn(input: HTMLInputElement): void {
    this.#input = input;
  }

  /** Takes it out of the page, and has `use` do with it what it may; overwritten after, however that ends. Throws `secret_unfit`. */
  async take<T>(place: Attach, use: (secret: Uint8Array) => Promise<T>): Promise<T> {
    const secret = this.#taken();
    try {
      assertSecretFits(secret, place);
      return await use(secret);
    } finally {
      secret.fill(0);
    }
  }

  clear(): void {
    if (this.#input !== undefined) this.#input.value = '';
  }

  #taken(): Uint8Array {
    const { value } = this.#input ?? { value: '' };
    this.clear();
    const held = new Uint8Array(3 * maxSecretBytes);
    try {
      const { read, written } = new TextEncoder().encodeInto(value, held);
      if (read < value.length)
        throw new HoldfastError('secret_unfit', `the secret is longer than ${maxSecretBytes} bytes`, {
          next: 'give the secret alone, not a file around it',
        });
      return held.slice(0, written);
    } finally {
      held.fill(0);
    }
  }
}

export function SecretField(props: {
  readonly secret: TypedSecret;
  readonly label: string;
  readonly error?: string | undefined;
}): JSX.Element {
  return (
    <Field
      label={props.label}
      hint="It is sealed in this browser and never shown again. Neither the relay nor an agent ever sees it."
      error={props.error}
    >
      {(ids) => (
        <input
          ref={(input) => props.secret.standsIn(input)}
          id={ids.id}
          class="field-input field-mono"
          type="password"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          data-1p-ignore
          aria-describedby={ids.describedBy}
          aria-invalid={ids.invalid}
        />
      )}
    </Field>
  );
}
