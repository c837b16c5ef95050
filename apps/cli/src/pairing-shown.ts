// What a pairing shows at a terminal besides its code and words: a QR code that a phone's camera opens the operator's console by, spec/pairing.md
// [PAIRING-15]. For eyes alone: nothing of it where the output is read by a program.

import { consoleUrl, type ConsolePage } from '@holdfast/protocol/identity/pairing';
import { usage, type Output } from './output.ts';

export interface ConsoleOptions {
  readonly console?: string;
}

/** The console that `npm start` runs on this machine. */
const localConsole = (): string => `http://localhost:${process.env['HOLDFAST_CONSOLE_PORT'] || '7434'}`;

/** Where a phone goes on with it: in the console that was named, or in the one beside a relay of this machine; else, where none is known, at the relay. */
export function openAt(url: string, page: ConsolePage, options: ConsoleOptions): string {
  const named = options.console ?? (process.env['HOLDFAST_CONSOLE'] || undefined);
  if (named !== undefined && !/^https?:\/\/[^\s#?]+$/.test(named))
    throw usage(`not the address of a console: ${named}`, 'write it like https://console.example');
  const { hostname } = new URL(url);
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  const at = named ?? (isLocal ? localConsole() : undefined);
  return at === undefined ? url : consoleUrl(at, page, url);
}

/** Black on white, whatever the terminal's own colours are: the two that no theme changes. */
const colours = '\u001b[38;5;16;48;5;231m';
const plain = '\u001b[0m';
/** By the upper and the lower module of a character. */
const blocks = [
  [' ', '▄'],
  ['▀', '█'],
] as const;

/** A QR code as lines, two rows of it in each. */
export async function qrLines(text: string): Promise<readonly string[]> {
  const { default: encodeQR } = await import('qr');
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 2 });
  return rows.flatMap((upper, index) => {
    if (index % 2 === 1) return [];
    const lower = rows[index + 1];
    const line = upper.map((dark, column) => blocks[dark ? 1 : 0][lower?.[column] === true ? 1 : 0]);
    return [`${colours}${line.join('')}${plain}`];
  });
}

/** Nothing unless a person looks at it. */
export async function shownTo({ json }: Output, address: string): Promise<readonly string[]> {
  if (json || !process.stdout.isTTY) return [];
  return [...(await qrLines(address)), `  ${address}`, ''];
}
