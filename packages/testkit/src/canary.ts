// Finding a secret where it must not be: as it is, and in the encodings that copies come in.

import { randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

/** A secret that occurs nowhere else, with characters that encodings change. */
export function newCanary(): string {
  return `cn/${randomBytes(18).toString('base64url')}+${randomBytes(6).toString('hex')}=`;
}

/** What of `secret` in base64 does not depend on what stands before and after it, at each of the three offsets. */
function base64Cores(secret: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), secret])
      .toString('base64')
      .replace(/=+$/, '');
    const length = offset + secret.length;
    return encoded.slice(Math.ceil((offset * 4) / 3), length % 3 === 0 ? undefined : -1);
  });
}

/** Every form of the secret that tests look for, by name. */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret);
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const forms = new Map([
    ['as it is', secret],
    ['reversed', [...secret].toReversed().join('')],
    ['hex', bytes.toString('hex')],
    ['upper hex', bytes.toString('hex').toUpperCase()],
    ['percent, where needed', encodeURIComponent(secret)],
    ['percent', percent],
    ['upper percent', percent.toUpperCase()],
    ['utf-16', Buffer.from(secret, 'utf16le').toString('latin1')],
  ]);
  for (const [offset, core] of base64Cores(bytes).entries()) {
    forms.set(`base64 at ${offset}`, core);
    forms.set(`base64url at ${offset}`, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}

/** What a program's memory holds where it has a copy: in a string of it, too, which may have two bytes a character. */
export function copiesOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  return [
    bytes,
    Buffer.from(secret, 'utf16le'),
    Buffer.from(formsOf(secret).get('base64 at 0') ?? ''),
    Buffer.from(bytes.toString('hex')),
  ];
}

/** Names of the forms in which `text` contains the secret. Empty: it does not. */
export function leaksIn(text: string | Buffer, secret: string): string[] {
  const held = typeof text === 'string' ? Buffer.from(text) : text;
  return [...formsOf(secret)].filter(([, form]) => held.includes(form, 0, 'latin1')).map(([name]) => name);
}

/** `FILE: form` for every regular file below `folder` that contains the secret, its name included. */
export async function leaksBelow(folder: string, secret: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const content = entry.isFile() ? await readFile(file) : Buffer.alloc(0);
    for (const form of [...leaksIn(file, secret), ...leaksIn(content, secret)]) found.push(`${file}: ${form}`);
  }
  return found;
}
