// The camera, looking for a QR code: pictures stay in this page, one by one, and the reader of them is loaded only when somebody scans. Where there is no
// camera, or it is not allowed, one pastes.

import { createSignal, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { Notice } from '../../design/notice.tsx';

/** Between two looks. */
const lookEveryMs = 180;
/** A code fills the view; more pixels only take longer. */
const longestSide = 560;

export function Camera(props: { onRead(text: string): void }): JSX.Element {
  const [refused, setRefused] = createSignal<string>();
  let video: HTMLVideoElement | undefined;
  let stream: MediaStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;

  const end = (): void => {
    over = true;
    clearTimeout(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
  };
  onCleanup(end);
  onMount(() => void look().catch(() => setRefused('The camera cannot be used here. Paste the code instead.')));

  async function look(): Promise<void> {
    const [{ default: decode }, opened] = await Promise.all([
      import('qr/decode.js'),
      navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false }),
    ]);
    stream = opened;
    if (over || video === undefined) return end();
    video.srcObject = opened;
    await video.play();
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const once = (): void => {
      if (over || video === undefined || context === null) return;
      const text = readFrom(video, canvas, context, decode);
      if (text === undefined) timer = setTimeout(once, lookEveryMs);
      else {
        end();
        props.onRead(text);
      }
    };
    once();
  }

  return (
    <Show when={refused() === undefined} fallback={<Notice kind="warn" title={refused() ?? ''} />}>
      <video class="pair-camera" ref={(element) => (video = element)} playsinline muted aria-label="What the camera sees" />
    </Show>
  );
}

function readFrom(
  video: HTMLVideoElement,
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  decode: (picture: { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray }) => string,
): string | undefined {
  const scale = Math.min(1, longestSide / Math.max(1, video.videoWidth, video.videoHeight));
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  try {
    const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return decode({ width, height, data });
  } catch {
    return undefined; // no code in this picture
  }
}
