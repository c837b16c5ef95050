// What is shown in the place of something that failed: what happened, what to do next, its code. Never an empty page.

import { HoldfastError } from '@holdfast/protocol/errors';
import { ErrorBoundary, type JSX } from 'solid-js';
import { Button } from '../design/button.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import { asError } from '../fleet/acts.ts';
import './errors.css';

/** `again` makes what is inside anew. */
export function Failures(props: { readonly children: JSX.Element }): JSX.Element {
  return (
    <ErrorBoundary
      fallback={(thrown: unknown, again) => (
        <div class="failure">
          <ErrorNotice error={shown(thrown)}>
            <p class="failure-acts">
              <Button onClick={again}>Try again</Button>
              <Button onClick={() => location.reload()}>Load the console anew</Button>
            </p>
          </ErrorNotice>
        </div>
      )}
    >
      {props.children}
    </ErrorBoundary>
  );
}

function shown(thrown: unknown): HoldfastError {
  if (thrown instanceof TypeError && /dynamically imported module|module script/i.test(thrown.message)) {
    return new HoldfastError('internal', 'a part of this console could not be loaded', {
      cause: thrown,
      next: 'its server is away, or has a newer console: load it anew',
    });
  }
  return asError(thrown);
}
