// Where a credential may go, tried from inside: everything else is refused before a byte leaves, replies show nothing, and what is revoked
// ends at once. Judged by what the services saw: connections as well as requests.

import type { IncomingMessage } from 'node:http';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { formsOf, leaksIn, newCanary } from '../packages/testkit/src/canary.ts';
import { inside } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf, runProgram } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { echoAnswer, startOrigin, streamAnswer, type Answer, type Origin } from '../packages/testkit/src/origin.ts';

interface Asked {
  readonly status: number;
  readonly code: string;
  readonly body: string;
}

interface Question {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks each by way of the session's proxy, with the placeholder as a bearer unless the question brings headers; sees refusals of CONNECT as well. */
async function askEach(questions: readonly Question[]): Promise<Asked[]> {
  const http = process.getBuiltinModule('node:http');
  const tls = process.getBuiltinModule('node:tls');
  const fs = process.getBuiltinModule('node:fs');
  const proxy = new URL(process.env['HTTPS_PROXY'] ?? '');
  const bearer = { authorization: `Bearer ${process.env['DEMO_TOKEN']}` };
  const through = { host: proxy.hostname, port: Number(proxy.port), agent: false } as const;

  const read = (reply: IncomingMessage): Promise<Asked> =>
    new Promise((resolve, reject) => {
      let body = '';
      reply.setEncoding('utf8').on('data', (text: string) => (body += text));
      reply.on('end', () =>
        resolve({ status: reply.statusCode ?? 0, code: String(reply.headers['x-holdfast-error'] ?? ''), body }),
      );
      reply.on('error', reject);
    });
  const plain = ({ method = 'GET', url, headers = bearer }: Question): Promise<Asked> =>
    new Promise((resolve, reject) => {
      const request = http.request(
        { ...through, method, path: url, headers: { host: new URL(url).host, ...headers } },
        (reply) => void read(reply).then(resolve, reject),
      );
      request.on('error', reject).end();
    });
  const tunnelled = ({ method = 'GET', url, headers = bearer }: Question): Promise<Asked> =>
    new Promise((resolve, reject) => {
      const [, authority = '', target = '/'] = /^https:\/\/([^/]+)(.*)$/.exec(url) ?? [];
      const point = /:\d+$/.test(authority) ? authority : `${authority}:443`;
      const connect = http.request({ ...through, method: 'CONNECT', path: point, headers: { host: point } });
      connect.on('error', reject);
      connect.on('connect', (reply, socket, head: Buffer) => {
        if (reply.statusCode !== 200) {
          let body = head.toString();
          socket.on('data', (chunk: Buffer) => (body += chunk.toString()));
          socket.on('end', () =>
            resolve({ status: reply.statusCode ?? 0, code: String(reply.headers['x-holdfast-error'] ?? ''), body }),
          );
          return;
        }
        const host = authority.replace(/:\d+$/, '');
        const secure = tls.connect({
          socket,
          servername: /^[\d.]+$/.test(host) ? '' : host,
          ca: fs.readFileSync(process.env['SSL_CERT_FILE'] ?? ''),
        });
        secure.on('error', reject);
        const request = http.request(
          { createConnection: () => secure, method, path: target, headers: { host: authority, connection: 'close', ...headers } },
          (reply) => void read(reply).then(resolve, reject),
        );
        request.on('error', reject).end();
      });
      connect.end();
    });

  const answers: Asked[] = [];
  for (const question of questions)
    answers.push(await (question.url.startsWith('http:') ? plain(question) : tunnelled(question)));
  return answers;
}

/** Sends the caller to `location`. */
function redirectAnswer(location: () => string): Answer {
  return (_seen, _request, response) => {
    response.writeHead(302, { location: location() });
    response.end();
  };
}

describe('fences', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let origin: Origin;
  let elsewhere: Origin;
  let plainPort: number;
  let plainConnections = 0;
  let plainServer: Server;
  /** Answers of the main origin, by path; everything else is answered discreetly. */
  const answers = new Map<string, Answer>([
    ['/v1/echo', echoAnswer],
    ['/v1/stream', streamAnswer],
  ]);
  const at = (path: string): string => `https://localhost:${origin.port}${path}`;
  const reached = (): number[] => [origin.connections, origin.seen.length, elsewhere.connections, plainConnections];

  before(async () => {
    origin = await startOrigin((seen, request, response) => {
      const answer = answers.get(seen.url.split('?')[0] ?? '');
      if (answer) answer(seen, request, response);
      else response.end('plain answer\n');
    });
    elsewhere = await startOrigin();
    plainServer = createServer((socket) => {
      plainConnections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => plainServer.listen(0, '127.0.0.1', resolve));
    plainPort = (plainServer.address() as AddressInfo).port;
    answers.set(
      '/v1/away',
      redirectAnswer(() => `https://localhost:${elsewhere.port}/v1/stolen`),
    );
    answers.set(
      '/v1/inward',
      redirectAnswer(() => '/admin/keys'),
    );
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', secret, origin, { paths: ['/v1/**'], methods: ['GET'], env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await holdfast.remove();
    plainServer.close();
    await origin.close();
    await elsewhere.close();
  });

  describe('a request with the placeholder that goes anywhere else is refused before any byte leaves', () => {
    let before: number[];
    beforeEach(() => {
      before = reached();
    });
    /** The codes with which each was refused; fails if any service was even connected to. */
    const refusedAs = async (...questions: Question[]): Promise<string[]> => {
      const asked = await inside(holdfast, askEach, questions);
      assert.deepEqual(reached(), before, 'no service was connected to');
      for (const [index, { status, body, code }] of asked.entries()) {
        assert.ok(status >= 400, `${status} ${body}`);
        if (questions[index]?.method === 'HEAD') continue; // has no body
        assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, code);
        assert.ok((JSON.parse(body) as { error: { next: string } }).error.next.length > 0);
      }
      return asked.map(({ code }) => code);
    };

    it('another host, by name or by address', async () => {
      const hosts = [
        `https://127.0.0.1:${origin.port}/v1/me`,
        'https://example.com/v1/me',
        `https://localhost.example:${origin.port}/v1/me`,
        `https://[::1]:${origin.port}/v1/me`,
      ];
      assert.deepEqual(
        await refusedAs(...hosts.map((url) => ({ url }))),
        hosts.map(() => 'egress_denied'),
      );
    });

    it('another port', async () => {
      assert.deepEqual(
        await refusedAs({ url: `https://localhost:${elsewhere.port}/v1/me` }, { url: 'https://localhost/v1/me' }),
        ['egress_denied', 'egress_denied'],
      );
    });

    it('another scheme, on the same port and on one that would listen', async () => {
      assert.deepEqual(
        await refusedAs({ url: `http://localhost:${origin.port}/v1/me` }, { url: `http://localhost:${plainPort}/v1/me` }),
        ['egress_denied', 'egress_denied'],
      );
    });

    it('another path', async () => {
      assert.deepEqual(await refusedAs({ url: at('/admin/keys') }, { url: at('/v1') }, { url: at('/v2/me') }, { url: at('/') }), [
        'egress_denied',
        'egress_denied',
        'egress_denied',
        'egress_denied',
      ]);
    });

    it('another path in disguise', async () => {
      const disguises = [
        '/v1/../admin/keys',
        '/v1/%2e%2e/admin',
        '/v1/..%2fadmin',
        '/v1/x;/../../admin',
        '/v1//admin',
        '/v1/%252e%252e/admin',
        '/v1/.%2e/admin',
        '/v1\\..\\admin',
      ];
      const codes = await refusedAs(...disguises.map((path) => ({ url: at(path) })));
      for (const [index, code] of codes.entries())
        assert.match(code, /^(path_unsafe|egress_denied|request_malformed)$/, disguises[index]);
    });

    it('another method, also by an override', async () => {
      assert.deepEqual(
        await refusedAs(
          ...['POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE'].map((method) => ({ method, url: at('/v1/me') })),
        ),
        Array.from({ length: 6 }, () => 'egress_denied'),
      );
      assert.deepEqual(
        await refusedAs(
          { url: at('/v1/me'), headers: { 'x-http-method-override': 'DELETE' } },
          { url: at('/v1/me?_method=DELETE') },
        ),
        ['request_ambiguous', 'request_ambiguous'],
      );
    });

    it('another Host header than the one connected to', async () => {
      assert.deepEqual(await refusedAs({ url: at('/v1/me'), headers: { host: `other.example:${origin.port}` } }), [
        'target_mismatch',
      ]);
    });

    it('another place in the request', async () => {
      const ran = await holdfast.run(['sh', '-c', 'printf %s "$DEMO_TOKEN"']);
      const placeholder = ran.stdout;
      const codes = await refusedAs(
        { url: at(`/v1/me?token=${placeholder}`) },
        { url: at('/v1/me'), headers: { 'x-api-key': placeholder } },
        { url: at(`/v1/${placeholder}`) },
      );
      for (const code of codes) assert.match(code, /^(placeholder_misplaced|client_auth_refused|egress_denied)$/);
    });

    it("an authentication of one's own beside it", async () => {
      assert.deepEqual(await refusedAs({ url: at('/v1/me'), headers: { authorization: 'Bearer the-attackers-own-account' } }), [
        'client_auth_refused',
      ]);
    });

    it('the placeholder of another agent, which has the same credential', async () => {
      await holdfast.enrol('other');
      await holdfast.must(['vault', 'grant', 'demo', '--to', 'other']);
      const print = ['sh', '-c', 'printf %s "$DEMO_TOKEN"'];
      const stolen = (await holdfast.cli(['run', '--scope', 'other', '--', ...print], { cwd: holdfast.work })).stdout;
      const own = (await holdfast.run(print)).stdout;
      assert.match(stolen, /^hf_/);
      assert.notEqual(own, stolen);
      const codes = await refusedAs({ url: at('/v1/me'), headers: { authorization: `Bearer ${stolen}` } });
      for (const code of codes) assert.match(code, /^(placeholder_misplaced|client_auth_refused)$/);
    });
  });

  it('a refusal is the same for an unknown host, a fenced path, and a credential that another agent could use', async () => {
    await holdfast.addCredential('hidden', newCanary(), elsewhere, {});
    const [unknown, fenced, hidden] = await inside(holdfast, askEach, [
      { url: 'https://nobody.example/v1/me' },
      { url: at('/v2/me') },
      { url: `https://localhost:${elsewhere.port}/v1/me` },
    ]);
    assert.equal(unknown?.code, 'egress_denied');
    assert.deepEqual([fenced, hidden], [unknown, unknown]);
    assert.equal(elsewhere.connections, 0);
  });

  it('outside of a session the placeholder is worthless: the service gets the placeholder', async () => {
    const placeholder = (await holdfast.run(['sh', '-c', 'printf %s "$DEMO_TOKEN"'])).stdout;
    const ca = `${holdfast.folder}/ca-${origin.port}.pem`;
    const ran = await runProgram(
      'curl',
      ['-sS', '--cacert', ca, '-H', `Authorization: Bearer ${placeholder}`, at('/v1/me')],
      process.env,
    );
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(origin.seen.at(-1)?.headers.authorization, `Bearer ${placeholder}`);
    assert.match(placeholder, /^hf_/);
    assert.deepEqual(leaksIn(placeholder, secret), []);
  });

  it('what a tool saved of it in its home goes on working, also after a restart, until the grant ends', async () => {
    const saved = `curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat ~/saved)" ${at('/v1/me')}`;
    const useSaved = async (): Promise<string> => (await holdfast.run(['sh', '-c', saved])).stdout;
    await holdfast.run(['sh', '-c', 'printf %s "$DEMO_TOKEN" >~/saved']);
    assert.equal(await useSaved(), '200');
    await holdfast.stop();
    await holdfast.start();
    assert.equal(await useSaved(), '200');
    assert.equal(origin.seen.at(-1)?.headers.authorization, `Bearer ${secret}`);
    await holdfast.must(['vault', 'ungrant', 'demo', '--from', 'main']);
    await holdfast.must(['vault', 'grant', 'demo', '--to', 'main']);
    const count = origin.seen.length;
    assert.equal(await useSaved(), '403');
    assert.equal(origin.seen.length, count);
  });

  it('a reply that repeats the secret in every encoding shows the agent nothing', async () => {
    const ran = await holdfast.run(['curl', '-sS', '-i', at('/v1/echo')]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(origin.seen.at(-1)?.headers.authorization, `Bearer ${secret}`, 'the service did get it');
    assert.match(ran.stdout, /x-echo: Bearer /i, 'and did repeat it');
    assert.deepEqual(leaksIn(ran.stdout, secret), []);
  });

  it('nor one that repeats it in pieces over time, or compressed', async () => {
    const pieces = [...formsOf(secret).values()].filter((form) => !form.includes('\0')).join('\n');
    answers.set('/v1/slow-echo', (_seen, _request, response) => {
      const send = (from: number): void => {
        if (from >= pieces.length) response.end();
        else response.write(pieces.slice(from, from + 7), () => setImmediate(send, from + 7));
      };
      send(0);
    });
    answers.set('/v1/zipped-echo', (seen, _request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(`you sent ${String(seen.headers.authorization)}`));
    });
    // Reversed text and UTF-16 are not among the encodings that replies are cleaned of.
    const known = (text: string): string[] => leaksIn(text, secret).filter((form) => !['reversed', 'utf-16'].includes(form));
    const slow = await holdfast.run(['curl', '-sS', at('/v1/slow-echo')]);
    assert.deepEqual([slow.code, known(slow.stdout)], [0, []]);
    const zipped = await holdfast.run(['curl', '-sS', '--compressed', at('/v1/zipped-echo')]);
    assert.deepEqual([zipped.code, known(zipped.stdout)], [0, []]);
    assert.match(zipped.stdout, /^you sent Bearer /);
  });

  it('redirects are not followed for the client, and lead it nowhere', async () => {
    const asked = await holdfast.run(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', at('/v1/away')]);
    assert.equal(asked.stdout, '302');
    const followed = await holdfast.run(['curl', '-sS', '-L', at('/v1/away')]);
    assert.notEqual(followed.code, 0);
    assert.equal(elsewhere.connections, 0);
    const count = origin.seen.length;
    const inward = await holdfast.run(['curl', '-sS', '-L', at('/v1/inward')]);
    assert.match(inward.stdout, /egress_denied/);
    assert.equal(origin.seen.length, count + 1);
  });

  it('egress allow lets a host through without the credential, and egress remove ends it', async () => {
    const url = `https://localhost:${elsewhere.port}/anything`;
    const ca = `${holdfast.folder}/elsewhere.pem`;
    await writeFile(ca, elsewhere.caPem);
    await holdfast.must(['egress', 'allow', `localhost:${elsewhere.port}`, '--to', 'main', '--allow-private', '--ca', ca]);
    const allowed = await holdfast.run(['curl', '-sS', '-w', '%{http_code}', url]);
    assert.match(allowed.stdout, /200$/, allowed.stderr);
    assert.equal(elsewhere.seen.length, 1);
    assert.equal(elsewhere.seen[0]?.headers.authorization, undefined);
    // The placeholder is not for that host, whatever is allowed there.
    const [smuggled] = await inside(holdfast, askEach, [{ url }]);
    assert.ok((smuggled?.status ?? 0) >= 400);
    assert.equal(elsewhere.seen.length, 1);
    await holdfast.must(['egress', 'remove', `localhost:${elsewhere.port}`, '--to', 'main']);
    const [ended] = await inside(holdfast, askEach, [{ url }]);
    assert.equal(ended?.code, 'egress_denied');
    assert.equal(elsewhere.seen.length, 1);
  });

  /** A session with an open credentialed stream; each line written to it makes one more call and prints its status. */
  const streaming = async (): Promise<LiveProgram> => {
    const script = `curl -sSN ${at('/v1/stream')} && echo stream-ended-well || echo stream-cut & while read -r go; do curl -sS -o /dev/null -w 'call %{http_code}\\n' ${at('/v1/me')}; done; wait`;
    const session = holdfast.session(['sh', '-c', script]);
    await session.waitFor(/data: 3\n/);
    return session;
  };

  const recorded = async (kind: string): Promise<boolean> =>
    jsonOf<{ events: { kind: string }[] }>(await holdfast.cli(['audit', 'show', '--json'])).events.some(
      (event) => event.kind === kind,
    );

  it('vault ungrant cuts an open credentialed stream, and the very next call of that session fails', async () => {
    const session = await streaming();
    session.write('go\n');
    await session.waitFor(/call 200/);
    const ended = await holdfast.operator(['vault', 'ungrant', 'demo', '--from', 'main', '--json']);
    assert.equal(jsonOf<{ applied: boolean }>(ended).applied, true, ended.stderr);
    const count = origin.seen.length;
    session.write('go\n');
    const [, status] = await session.waitFor(/call (?!200)(\d+)/);
    assert.match(status ?? '', /^(000|403)$/);
    await session.waitFor(/stream-cut/);
    assert.equal(origin.seen.length, count, 'the service saw nothing of it');
    assert.ok(await recorded('stream-cut'), 'the cut is in the record');
    session.closeInput();
    assert.equal((await session.ended).code, 0);
    await holdfast.must(['vault', 'grant', 'demo', '--to', 'main']);
  });

  it('a grant that is given again works again', async () => {
    assert.equal((await holdfast.run(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', at('/v1/me')])).stdout, '200');
  });

  it('revoke cuts an open credentialed stream and ends the session; the evidence stays and verifies', async () => {
    const session = await streaming();
    const revoked = await holdfast.operator(['revoke', 'main', '--json']);
    assert.equal(jsonOf<{ applied: boolean }>(revoked).applied, true, revoked.stderr);
    const count = origin.seen.length;
    assert.notEqual((await session.ended).code, 0);
    assert.ok(!session.said.includes('stream-ended-well'));
    const next = await holdfast.run(['curl', '-sS', at('/v1/me')]);
    assert.deepEqual([next.code, /\(agent_revoked\)/.test(next.stderr)], [125, true]);
    assert.equal(origin.seen.length, count);
    const verified = await holdfast.cli(['audit', 'verify', '--json']);
    assert.deepEqual([verified.code, jsonOf<{ ok: boolean }>(verified).ok], [0, true]);
    assert.ok(await recorded('revoked'), 'and so is the revocation');
  });
});
