// Bad input at each door: the command line, the daemon's socket, the relay's port, pairing, the broker. Each gets a coded error that says what
// to do next, and what runs goes on running.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { failureOf, Installation, jsonOf, type Ran, type RunOptions } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

/** Sends bytes to a port or socket and resolves with all that comes back until the other side hangs up. */
function tell(where: string | number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof where === 'string' ? connect(where) : connect(where, '127.0.0.1');
    let said = '';
    socket.setEncoding('latin1').on('data', (text: string) => (said += text));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(said) : reject(error),
    );
    socket.once('close', () => resolve(said));
    socket.setTimeout(60_000, () => {
      socket.destroy();
      reject(new Error(`no end within a minute; said ${JSON.stringify(said)}`));
    });
    socket.write(bytes);
  });
}

describe('bad input', () => {
  let holdfast: Installation;
  let origin: Origin;

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', 'a-secret-of-enough-bytes', origin, { env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });
  afterEach(async () => {
    const status = await holdfast.cli(['status', '--json']);
    assert.deepEqual(
      [
        status.code,
        jsonOf<{ agents: { state: string; relayState: string }[] }>(status).agents.map(({ state, relayState }) => [
          state,
          relayState,
        ]),
      ],
      [0, [['live', 'connected']]],
    );
  });

  const failed = (ran: Ran, exit: number, code: string | RegExp): void => {
    const error = failureOf(ran);
    assert.match(error.code, typeof code === 'string' ? new RegExp(`^${code}$`) : code, ran.stdout);
    assert.equal(ran.code, exit, ran.stdout);
    assert.ok(error.message.length > 0);
    assert.ok(!/ {4}at |node:internal/.test(ran.stdout + ran.stderr), 'no stack trace');
  };

  const added = (terms: readonly string[], options: RunOptions = {}): Promise<Ran> =>
    holdfast.operator(['vault', 'add', 'other', ...terms, '--json'], { input: 'a-secret-of-enough-bytes', ...options });

  for (const [what, terms] of Object.entries({
    'a host with a scheme': ['--host', 'https://api.example.com', '--attach', 'bearer'],
    'a host with a wildcard': ['--host', '*.example.com', '--attach', 'bearer'],
    'a port out of range': ['--host', 'api.example.com:70000', '--attach', 'bearer'],
    'a path that is not absolute': ['--host', 'api.example.com', '--path', 'v1/**', '--attach', 'bearer'],
    'a path with dot segments': ['--host', 'api.example.com', '--path', '/v1/../**', '--attach', 'bearer'],
    'a method that is none': ['--host', 'api.example.com', '--method', 'GE T', '--attach', 'bearer'],
    'an unknown attachment': ['--host', 'api.example.com', '--attach', 'carrier-pigeon'],
    'a header that may not be set': ['--host', 'api.example.com', '--attach', 'header:host'],
    'a variable that is taken': ['--host', 'api.example.com', '--attach', 'bearer', '--env', 'PATH'],
    'a CA file that is absent': ['--host', 'api.example.com', '--attach', 'bearer', '--ca', '/nonexistent/ca.pem'],
    'an unknown option': ['--host', 'api.example.com', '--attach', 'bearer', '--everything'],
    'no host': ['--attach', 'bearer'],
  })) {
    it(`vault add with ${what} is refused as usage`, async () => failed(await added(terms), 2, 'usage'));
  }

  it('vault add refuses a secret that is empty or too short to be kept from replies, and a name that is taken', async () => {
    failed(await added(['--host', 'api.example.com', '--attach', 'bearer'], { input: '' }), 2, 'usage');
    failed(
      await added(['--host', 'api.example.com', '--attach', 'bearer'], { input: 'short' }),
      2,
      /^(usage|codec_shape|secret_unfit)$/,
    );
    const taken = await holdfast.operator(['vault', 'add', 'demo', '--host', 'api.example.com', '--attach', 'bearer', '--json'], {
      input: 'a-secret-of-enough-bytes',
    });
    failed(taken, 1, /^(item_exists|name_taken)$/);
  });

  it('unknown names are told as such to the operator', async () => {
    failed(await holdfast.operator(['vault', 'grant', 'nothing', '--to', 'main', '--json']), 1, 'item_unknown');
    failed(await holdfast.operator(['vault', 'grant', 'demo', '--to', 'nobody', '--json']), 1, 'agent_unknown');
    failed(await holdfast.operator(['vault', 'ungrant', 'demo', '--from', 'nobody', '--json']), 1, 'agent_unknown');
    failed(await holdfast.operator(['revoke', 'nobody', '--json']), 1, 'agent_unknown');
    failed(await holdfast.operator(['egress', 'remove', 'api.example.com', '--to', 'main', '--json']), 1, 'egress_unknown');
  });

  it('a wrong passphrase is told as that, with nothing changed', async () => {
    const wrong = path.join(holdfast.folder, 'wrong');
    await writeFile(wrong, 'not the passphrase\n');
    const ran = await holdfast.cli(['vault', 'list', '--passphrase-file', wrong, '--json']);
    failed(ran, 1, 'passphrase_wrong');
    assert.equal((await holdfast.operator(['vault', 'list', '--json'])).code, 0);
  });

  it("an operator's command without a passphrase names the option, and never hangs", async () => {
    failed(await holdfast.cli(['pulse', '--json']), 2, 'usage');
  });

  it('a second init keeps the first operator', async () => {
    failed(await holdfast.operator(['init', '--name', 'again', '--json']), 1, 'operator_exists');
  });

  it('enrolling a scope twice is refused', async () => {
    failed(await holdfast.cli(['enroll', '--scope', 'main', '--json']), 1, 'scope_enrolled');
  });

  it('approve refuses a code that is none, one behind which nobody waits, and wrong words', async () => {
    failed(await holdfast.operator(['approve', 'not-a-code', '--words', 'a b c', '--json']), 2, 'pairing_code_invalid');
    const lured = holdfast.live(['enroll', '--scope', 'lured', '--json']);
    const [line] = await lured.waitFor(/.*\n/);
    const { code } = JSON.parse(line) as { code: string };
    failed(await holdfast.operator(['approve', code, '--words', 'wrong wrong wrong', '--json']), 1, 'pairing_words_wrong');
    await lured.end();
    failed(
      await holdfast.operator(['approve', code, '--words', 'wrong wrong wrong', '--json']),
      1,
      /^(pairing_offer_invalid|pairing_expired|rendezvous_used)$/,
    );
    const { agents } = jsonOf<{ agents: unknown[] }>(await holdfast.operator(['agents', '--json']));
    assert.equal(agents.length, 1, 'nobody was admitted');
  });

  it('run says what is wrong and ends with 125', async () => {
    const expectRun = async (running: Promise<Ran>, code: string): Promise<void> => {
      const ran = await running;
      assert.deepEqual([ran.code, ran.stdout], [125, ''], ran.stderr);
      assert.match(ran.stderr, new RegExp(`^holdfast: .+ \\(${code}\\)\n`), ran.stderr);
    };
    await expectRun(holdfast.cli(['run', '--scope', 'nobody', '--', 'true'], { cwd: holdfast.work }), 'scope_unknown');
    await expectRun(holdfast.run(['no-such-program-anywhere']), 'sandbox_command_not_found');
    await expectRun(holdfast.run(['./absent']), 'sandbox_command_not_found');
    assert.equal((await holdfast.cli(['run'], { cwd: holdfast.work })).code, 125);
    assert.equal((await holdfast.cli(['run', '--no-such-option', '--', 'true'], { cwd: holdfast.work })).code, 125);
  });

  it("the daemon's socket answers garbage with a code and hangs up", async () => {
    const socket = path.join(holdfast.home, 'run', 'daemon.sock');
    assert.match(await tell(socket, Buffer.from('ffffffff', 'hex')), /codec_limit/);
    assert.match(await tell(socket, Buffer.concat([Buffer.from('00000005', 'hex'), Buffer.from('hello')])), /codec_/);
    assert.match(await tell(socket, Buffer.from('00000001a0', 'hex')), /codec_/);
    assert.match(await tell(socket, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'), /codec_/);
  });

  it("the relay's port turns away what is not its protocol", async () => {
    const port = Number(new URL(holdfast.url).port);
    assert.match(await tell(port, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /^HTTP\/1\.1 4\d\d /);
    assert.match(await tell(port, 'garbage\r\n\r\n'), /^HTTP\/1\.1 400 /);
    const closed = await new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(`${holdfast.url.replace('http', 'ws')}/v1`);
      socket.addEventListener('open', () => socket.send(new Uint8Array([0xff, 0x00, 0x13])));
      socket.addEventListener('close', ({ code }) => resolve(code));
      socket.addEventListener('error', () => reject(new Error('no connection')));
    });
    assert.ok(closed >= 1002, `closed with ${closed}`);
  });

  it('the broker answers what is not a proxy request with a code', async () => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/\${HOLDFAST_DOOR##*:}; printf '%b' "$0" >&3; cat <&3`;
    for (const [request, code] of [
      ['nonsense\\r\\n\\r\\n', 'request_malformed'],
      ['CONNECT localhost HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n', 'request_malformed'],
      ['CONNECT nobody.example:443 HTTP/1.1\\r\\nhost: nobody.example:443\\r\\n\\r\\n', 'egress_denied'],
      ['GET ftp://nobody.example/ HTTP/1.1\\r\\nhost: nobody.example\\r\\nconnection: close\\r\\n\\r\\n', 'request_malformed'],
    ] as const) {
      const ran = await holdfast.run(['bash', '-c', script, request]);
      assert.match(ran.stdout, new RegExp(`"code":"${code}"`), request);
    }
  });

  it('start on a home that is in use says so, and the first one goes on', async () => {
    const { code, stdout, stderr } = await holdfast.startAgain();
    assert.equal(code, 3, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /\((already_running|port_taken)\)\n +next: /);
    const elsewhere = await holdfast.startAgain({ HOLDFAST_PORT: '0' });
    assert.equal(elsewhere.code, 3, elsewhere.stderr);
    assert.match(elsewhere.stderr, /\(already_running\)\n +next: /);
    assert.equal((await holdfast.run(['curl', '-sS', `https://localhost:${origin.port}/v1/me`])).code, 0);
  });

  it('start on a port that somebody else has says so', async () => {
    const other = await Installation.create();
    const { code, stdout, stderr } = await other.startAgain({ HOLDFAST_PORT: String(origin.port) });
    await other.remove();
    assert.deepEqual([code, stdout], [3, ''], stderr);
    assert.match(stderr, /\(port_taken\)\n +next: /);
  });

  it('start with a port that is none, or a home that is none, says so', async () => {
    const other = await Installation.create();
    const port = await other.startAgain({ HOLDFAST_PORT: 'eighty' });
    assert.deepEqual([port.code, port.stdout], [2, ''], port.stderr);
    assert.match(port.stderr, /\(usage\)/);
    const home = await other.startAgain({ HOLDFAST_HOME: other.passphraseFile });
    assert.notEqual(home.code, 0);
    assert.match(home.stderr, /holdfast: .+\(\w+\)/);
    assert.ok(!/ {4}at /.test(home.stderr), home.stderr);
    await other.remove();
  });

  it('without a daemon each command names npm start', async () => {
    const other = await Installation.create();
    const ran = await other.run(['true']);
    assert.deepEqual([ran.code, /\(daemon_unreachable\)\n.*npm start/.test(ran.stderr)], [125, true], ran.stderr);
    failed(await other.cli(['enroll', '--json']), 3, 'daemon_unreachable');
    failed(await other.operator(['init', '--json']), 3, 'relay_unreachable');
    failed(await other.operator(['vault', 'list', '--json']), 3, 'operator_absent');
    assert.equal((await other.cli(['status', '--json'])).code, 3);
    await other.remove();
  });
});
