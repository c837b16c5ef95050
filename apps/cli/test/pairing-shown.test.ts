// QR codes at a terminal: what a camera reads of them, where they lead, and that nothing of them is in a program's way.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { consoleUrl, formatPairingCode, newPairingCode, pairingUrl, parsePairingCode } from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { LiveProgram } from '@holdfast/testkit/live-program';
import { decodeQR } from 'qr/decode.js';
import { openAt, qrLines } from '../src/pairing-shown.ts';
import { commandLine, newHome } from './cli.ts';
import { operatorAt } from './operator-at.ts';

/** What a camera sees of such lines: a picture of black and white, some pixels a module. */
function seen(lines: readonly string[]): string {
  const scale = 4;
  const rows = lines.flatMap((line) => {
    const characters = [...stripVTControlCharacters(line)];
    return ['▀█', '▄█'].map((dark) => characters.map((each) => dark.includes(each)));
  });
  const [width, height] = [(rows[0]?.length ?? 0) * scale, rows.length * scale];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      if (rows[Math.floor(y / scale)]?.[Math.floor(x / scale)] === true)
        data.fill(0, 4 * (y * width + x), 4 * (y * width + x) + 3);
  return decodeQR({ width, height, data });
}

const code = newPairingCode(primitives, agentPairing);
const url = pairingUrl(primitives, agentPairing, 'https://relay.example', code);

test('a camera reads the address, whatever colours the terminal has', async () => {
  const address = consoleUrl('https://console.example', 'pair', url);
  const lines = await qrLines(address);
  assert.equal(seen(lines), address);
  for (const line of lines) {
    assert.ok(line.startsWith('\u001b[38;5;16;48;5;231m') && line.endsWith('\u001b[0m'));
    assert.match(stripVTControlCharacters(line), /^[ ▀▄█]+$/);
  }
});

test('[PAIRING-15] it leads to the console that was named, or to the one beside a relay of this machine', () => {
  const local = pairingUrl(primitives, agentPairing, 'http://127.0.0.1:7433', code);
  assert.equal(openAt(local, 'pair', {}), consoleUrl('http://localhost:7434', 'pair', local));
  assert.equal(openAt(url, 'join', { console: 'https://console.example/' }), consoleUrl('https://console.example', 'join', url));
  assert.equal(openAt(url, 'pair', {}), url, 'no console is known: as the relay has it');
  assert.throws(() => openAt(url, 'pair', { console: 'console.example' }), { code: 'usage' });
  for (const page of ['pair', 'join'] as const) {
    const device = newPairingCode(primitives, devicePairing);
    const its = pairingUrl(primitives, devicePairing, 'http://[::1]:7433', device);
    const parsed = parsePairingCode(primitives, devicePairing, ` ${openAt(its, page, {})}\n`);
    assert.deepEqual([parsed.code, parsed.relayUrl], [device, 'http://[::1]:7433']);
    assert.match(openAt(its, page, {}), /^http:\/\/localhost:7434\/(?:pair|join)#[^#/]+$/, 'all of it in the fragment');
  }
  assert.throws(() => parsePairingCode(primitives, devicePairing, openAt(local, 'pair', {})), { code: 'pairing_code_invalid' });
});

const hasSocat = spawnSync('socat', ['-V']).status === 0;
test('at a terminal devices join shows it, and to a program not', { skip: !hasSocat && 'socat is not installed' }, async (t) => {
  const operator = await operatorAt(t);
  const parameters = ['devices', 'join', '--name', 'phone', '--relay', operator.url, '--passphrase-file', operator.phraseFile];
  const [file, words] = commandLine(parameters);
  const environment = { ...process.env, HOLDFAST_CONSOLE: 'https://console.example' };
  const run = (program: string, given: readonly string[]): LiveProgram => {
    const live = new LiveProgram(program, given, { environment: { ...environment, HOLDFAST_HOME: newHome(t) } });
    t.after(() => live.end());
    return live;
  };
  const piped = run(file, words);
  await piped.waitFor(/waiting for that device/);
  assert.doesNotMatch(piped.said, /[▀▄█]|https:/);

  const script = path.join(operator.folder, 'at-terminal');
  writeFileSync(script, `#!/bin/sh\nexec ${[file, ...words].join(' ')}\n`, { mode: 0o700 });
  const atTerminal = run('socat', ['-', `EXEC:${script},pty,setsid,ctty,rawer`]);
  await atTerminal.waitFor(/waiting for that device/);
  const picture = atTerminal.said.split('\n').filter((line) => /[▀▄█]/.test(line));
  const address = seen(picture.map((line) => line.replace('\r', '')));
  assert.ok(address.startsWith('https://console.example/pair#'), address);
  const parsed = parsePairingCode(primitives, devicePairing, address);
  const [, typed = ''] = /devices add (\S+)/.exec(atTerminal.said) ?? [];
  assert.equal(formatPairingCode(primitives, devicePairing, parsed.code), typed);
  assert.equal(parsed.relayUrl, operator.url);
});
