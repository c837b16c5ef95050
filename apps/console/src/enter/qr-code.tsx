// A QR code as one SVG path, dark on light in both themes: what a camera reads. The text stands beside it for who has none.

import { encodeQR } from 'qr';
import { createMemo } from 'solid-js';

/** Modules of light around it, as the standard wants. */
const quiet = 4;

export default function QrCode(props: { readonly text: string; readonly label: string }) {
  const modules = createMemo(() => encodeQR(props.text, 'raw', { ecc: 'medium', border: quiet }));
  const path = (): string =>
    modules()
      .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
      .join('');
  return (
    <svg
      class="qr"
      role="img"
      aria-label={props.label}
      viewBox={`0 0 ${modules().length} ${modules().length}`}
      shape-rendering="crispEdges"
    >
      <rect class="qr-light" width="100%" height="100%" />
      <path class="qr-dark" d={path()} />
    </svg>
  );
}
