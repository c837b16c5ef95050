// Text that is written as base64, base32 or hex. What is no text is not known.

import { hole } from './command.ts';

export function fromBase64(text: string): string {
  const plain = text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(plain) || plain.length % 4 === 1) return hole;
  return plainText(Uint8Array.from(atob(plain), (character) => character.charCodeAt(0)));
}

export function fromHex(text: string): string {
  const plain = text.replaceAll(/\s|\\x|0x|:/g, '');
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(plain)) return hole;
  return plainText(Uint8Array.from(plain.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)));
}

export function fromBase32(text: string): string {
  const plain = text.replaceAll(/\s|=/g, '');
  if (!/^[A-Z2-7]*$/.test(plain)) return hole;
  const bytes: number[] = [];
  let [bits, value] = [0, 0];
  for (const character of plain) {
    value = (value << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return plainText(Uint8Array.from(bytes));
}

function plainText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.includes('\uFFFD') || text.includes('\0') ? hole : text;
}
