// Placeholders in a request, spec/broker.md §4: where they stand, and where each one may.

import type { Attach, GrantView } from './authority.ts';
import { loosely, parametersOf } from './path.ts';
import type { Header, RequestHead } from './request-head.ts';

/** What looks like a placeholder, known here or not. [BROKER-14] */
const anyPlaceholder = /hf_[A-Za-z0-9_-]{16,}/;

/** The text of a handle, spec/handle.md. */
const anyHandle = /hf_h_[A-Za-z0-9_-]{43}/g;
const wholeHandle = /^hf_h_[A-Za-z0-9_-]{43}$/;

/** Where a placeholder stands at its declared position: which header, or which query parameter. */
export type Place = { readonly kind: 'header'; readonly index: number } | { readonly kind: 'parameter'; readonly index: number };

function basicText(value: string): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/_=-]+)$/i.exec(value)?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1');
}

/** Whether this header is where the attachment declares its secret. */
export function declaresHeader(attach: Attach, name: string): boolean {
  const plain = name.toLowerCase();
  switch (attach.kind) {
    case 'bearer':
    case 'basic':
      return plain === 'authorization';
    case 'header':
      return plain === attach.name.toLowerCase();
    case 'query':
    case 'body':
      return false;
    default:
      attach satisfies never;
      return false;
  }
}

/** What could stand for the secret in this header, if it is the declared one. */
function textsIn(attach: Attach, [name, value]: Header): readonly string[] {
  if (!declaresHeader(attach, name)) return [];
  switch (attach.kind) {
    case 'bearer':
      return [/^bearer +(\S+)$/i.exec(value)?.[1] ?? ''];
    case 'basic': {
      const text = basicText(value) ?? '';
      const colon = text.indexOf(':');
      const [user, password] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
      if (attach.username !== '') return user === attach.username ? [password] : [];
      // Clients insist on some user name; it is dropped, as the secret brings its own.
      return [text, password, ...(password === '' ? [user] : [])];
    }
    case 'header':
      return [value];
    case 'query':
    case 'body':
      return [];
    default:
      attach satisfies never;
      return [];
  }
}

/** What stands for a grant's secret at its declared position: its placeholder, or a handle that the agent asked for. */
export interface Presented {
  readonly place: Place;
  readonly handle: string | undefined;
}

/** [BROKER-16] What stands in a body is read once the whole of it is there. */
export function presentedFor({ attach, placeholder }: GrantView, head: RequestHead, query: string): Presented | undefined {
  const among = (texts: readonly string[]): Omit<Presented, 'place'> | undefined => {
    if (texts.includes(placeholder)) return { handle: undefined };
    const handle = texts.find((text) => wholeHandle.test(text));
    return handle === undefined ? undefined : { handle };
  };
  const places: readonly (readonly [Place, readonly string[]])[] =
    attach.kind === 'query'
      ? parametersOf(query).map(({ name, value }, index) => [{ kind: 'parameter', index }, name === attach.name ? [value] : []])
      : head.headers.map((header, index) => [{ kind: 'header', index }, textsIn(attach, header)]);
  for (const [place, texts] of places) {
    const found = among(texts);
    if (found !== undefined) return { place, ...found };
  }
  return undefined;
}

/** Handles anywhere in a request, as they are, percent-decoded, or in what Basic encodes. */
export function handlesIn({ headers }: RequestHead, originForm: string): readonly string[] {
  const texts = [originForm, ...headers.flat()].flatMap((text) => [text, loosely(text), basicText(text) ?? '']);
  return [...new Set(texts.flatMap((text) => text.match(anyHandle) ?? []))];
}

/** Whether a placeholder, of `grants` or any other, stands anywhere but at `except`: names and values, decoded or not. */
export function strayPlaceholder(
  grants: readonly GrantView[],
  head: RequestHead,
  path: string,
  query: string,
  except: Place | undefined,
): boolean {
  const stray = (text: string): boolean =>
    anyPlaceholder.test(text) || grants.some(({ placeholder }) => text.includes(placeholder));
  const strayAtAll = (text: string): boolean => stray(text) || stray(loosely(text)) || stray(basicText(text) ?? '');
  if (strayAtAll(path)) return true;
  if (parametersOf(query).some(({ raw }, index) => !(except?.kind === 'parameter' && except.index === index) && strayAtAll(raw)))
    return true;
  return head.headers.some(
    ([name, value], index) => stray(name) || (!(except?.kind === 'header' && except.index === index) && strayAtAll(value)),
  );
}
