// A dialog: the page behind it waits, the focus stays inside and goes back to where it was. On a phone it stands at the bottom.

import { Dialog as Ark } from '@ark-ui/solid/dialog';
import type { JSX } from 'solid-js';
import { Portal } from 'solid-js/web';
import './dialog.css';
import { Icon } from './icon.tsx';

interface DialogProps {
  readonly title: string;
  readonly open: boolean;
  /** Escape, the cross, a press beside it. */
  readonly onClose: () => void;
  /** A press beside it does not close what somebody has begun to write. */
  readonly keeps?: boolean;
  readonly children: JSX.Element;
}

/** @public */
export function Dialog(props: DialogProps): JSX.Element {
  return (
    <Ark.Root
      open={props.open}
      onOpenChange={({ open }) => {
        if (!open) props.onClose();
      }}
      closeOnInteractOutside={props.keeps !== true}
      lazyMount
      unmountOnExit
    >
      <Portal>
        <Ark.Backdrop class="dialog-shade" />
        <Ark.Positioner class="dialog-place">
          <Ark.Content class="dialog">
            <div class="dialog-head">
              <Ark.Title asChild={(title) => <h2 {...title()}>{props.title}</h2>} />
              <Ark.CloseTrigger class="dialog-close" aria-label="Close">
                <Icon name="x" size={20} />
              </Ark.CloseTrigger>
            </div>
            <div class="dialog-body">{props.children}</div>
          </Ark.Content>
        </Ark.Positioner>
      </Portal>
    </Ark.Root>
  );
}
