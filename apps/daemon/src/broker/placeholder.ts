// Placeholders in a request, spec/broker.md §4: where they stand, and where each one may.

import type { Attach, GrantView } from './authority.ts';
import { loosely, parametersOf } from './path.ts';
import type { Header, RequestHead } from './request-head.ts';

/** What looks like a placeholder, known here or not. [BROKER-14] */
const anyPlaceholder = /hf_[A-Za-z0-9_-]{16,}/;

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
      return false;
    default:
      attach satisfies never;
      return false;
  }
}

function standsIn(grant: GrantView, [name, value]: Header): boolean {
  const { attach, placeholder } = grant;
  if (!declaresHeader(attach, name)) return false;
  switch (attach.kind) {
    case 'bearer':
      return /^bearer +(\S+)$/i.exec(value)?.[1] === placeholder;
    case 'basic': {
      const text = basicText(value);
      if (text === undefined) return false;
      if (attach.username !== '') return text === `${attach.username}:${placeholder}`;
      // Clients insist on some user name; it is dropped, as the secret brings its own.
      const colon = text.indexOf(':');
      return text === placeholder || text === `${placeholder}:` || (colon >= 0 && text.slice(colon + 1) === placeholder);
    }
    case 'header':
      return value === placeholder;
    case 'query':
      return false;
    default:
      attach satisfies never;
      return false;
  }
}

/** Where the grant's placeholder stands at its declared position, if it does. */
export function declaredPlace(grant: GrantView, head: RequestHead, query: string): Place | undefined {
  const { attach } = grant;
  if (attach.kind === 'query') {
    const index = parametersOf(query).findIndex(({ name, value }) => name === attach.name && value === grant.placeholder);
    return index < 0 ? undefined : { kind: 'parameter', index };
  }
  const index = head.headers.findIndex((header) => standsIn(grant, header));
  return index < 0 ? undefined : { kind: 'header', index };
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
