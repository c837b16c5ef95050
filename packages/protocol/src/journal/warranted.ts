// The entries that give power to use something, and the warrant that each carries, spec/authority.md: the author's signature over what the entry says,
// made for those who will never read the journal. What it is over is rebuilt from the entry, so the two cannot differ.

import type { EntryStatement } from '../blind/entry.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { signWarrant, termsOf, verifyWarrant, warrantOf, type Warrant, type WarrantStatement } from '../vault/warrant.ts';
import type { Body, BodyOf } from './bodies.ts';

type Warranted = BodyOf<'grant'> | BodyOf<'rules-set'>;
type Bare<B> = B extends Warranted ? Omit<B, 'warrant'> : B;
/** A body as its composer writes it: `signed` adds the warrant. */
export type Draftable = Bare<Body>;

/** Where the entry stands, as far as its warrant says it. */
export type Authorship = Pick<EntryStatement, 'fleet' | 'author' | 'atMs'>;

function saidBy({ fleet, author, atMs }: Authorship, body: Bare<Warranted>): WarrantStatement {
  const by = { v: 1, fleet, device: author, atMs } as const;
  return body.kind === 'grant'
    ? { kind: 'grant', ...by, terms: termsOf(body.granted) }
    : { kind: 'rules', ...by, version: body.version, hash: body.hash };
}

const needsWarrant = (body: Draftable): body is Bare<Warranted> => body.kind === 'grant' || body.kind === 'rules-set';

/** Throws `codec_*` for terms that no reader would take. */
export async function signed(holder: Pick<KeyHolder, 'sign'>, at: Authorship, body: Draftable): Promise<Body> {
  if (!needsWarrant(body)) return body;
  return { ...body, warrant: await signWarrant(holder, saidBy(at, body)) };
}

/** Of an entry whose author has this key. Undefined: it needs none. Throws `warrant_invalid`. [AUTHORITY-2] */
export async function warrantIn(
  primitives: Primitives,
  at: Authorship,
  body: Body,
  authorKey: Uint8Array,
): Promise<Warrant | undefined> {
  if (body.kind !== 'grant' && body.kind !== 'rules-set') return undefined;
  const warrant = warrantOf(primitives, saidBy(at, body), body.warrant);
  await verifyWarrant(primitives, warrant, authorKey);
  return warrant;
}
