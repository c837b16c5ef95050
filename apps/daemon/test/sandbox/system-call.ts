// A program that makes one system call, for x86_64, as bytes: attackers are not bound to what Node offers, and no compiler is needed.
//
// Arguments are the call's number and up to six arguments: decimal numbers, or `@text` for the address of that text. Its exit code is
// the call's errno, 0 if it succeeded.

import { writeFileSync } from 'node:fs';

/** Parses argv into eight words on the stack, loads rax, rdi, rsi, rdx, r10, r8, r9, `syscall`, negates a negative rax, exits. */
const oneCall =
  '488b1c24488d6c241048ffcb4883ec4031c948c704cc00000000ffc183f90872f131c94839d9733583f9077330488b74cd00803e407506488d4601eb1831c00fb616' +
  '85d2740f83ea30486bc00a4801d048ffc6ebea488904ccffc1ebc6488b0424488b7c2408488b742410488b5424184c8b5424204c8b4424284c8b4c24300f0531ff' +
  '4885c079064889c748f7dfb83c0000000f05';

/** getpid as a 32-bit program calls it (`mov eax, 20; int 0x80`), then exit(0). */
const foreignCall = 'b814000000cd8031ffb83c0000000f05';

export const systemCallsAvailable = process.arch === 'x64';

export function writeCaller(path: string): void {
  writeProgram(path, oneCall);
}

export function writeForeignCaller(path: string): void {
  writeProgram(path, foreignCall);
}

/** The least ELF: a header, one loadable segment, the code. */
function writeProgram(path: string, hex: string): void {
  const code = Buffer.from(hex, 'hex');
  const base = 0x400000;
  const headers = Buffer.alloc(120);
  headers.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  headers.writeUInt16LE(2, 16); // executable
  headers.writeUInt16LE(62, 18); // x86_64
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(BigInt(base + 120), 24); // entry
  headers.writeBigUInt64LE(64n, 32); // where the segments are listed
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  headers.writeUInt32LE(1, 64); // load
  headers.writeUInt32LE(5, 68); // read, execute
  headers.writeBigUInt64LE(BigInt(base), 80);
  headers.writeBigUInt64LE(BigInt(base), 88);
  headers.writeBigUInt64LE(BigInt(120 + code.length), 96);
  headers.writeBigUInt64LE(BigInt(120 + code.length), 104);
  headers.writeBigUInt64LE(0x1000n, 112);
  writeFileSync(path, Buffer.concat([headers, code]), { mode: 0o755 });
}
