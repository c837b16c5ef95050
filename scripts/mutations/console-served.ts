// Controls of the console as it is served: THREAT_MODEL.md, W.

import type { Area } from './mutation.ts';

const served = 'apps/console/serve/answer.ts';
const answers = 'apps/console/test/answer.test.ts';
const server = 'apps/console/test/server.test.ts';
const bundle = 'apps/console/test/bundle.test.ts';
const serving = 'e2e/console/serving.test.ts';
const pairing = 'apps/console/test/enter/hostile-pairing.test.ts';
const words = 'apps/console/test/screens/pair.test.ts';
const shownText = 'apps/console/test/shown-text.test.ts';
const hostileText = 'e2e/console/hostile-text.test.ts';
const offline = 'e2e/console/offline.test.ts';

export const consoleServed: Area = {
  mutations: [
    {
      id: 'W-1.origin',
      off: 'a request of another origin is answered',
      file: served,
      from: 'if (origin !== undefined && !origins.some((own) => own === origin))',
      to: "if (origin === '-')",
      red: { [answers]: '[CONSOLE-5]' },
    },
    {
      id: 'W-1.site',
      off: 'frames, scripts and pictures of other pages are answered',
      file: served,
      from: "if (site === undefined || site === 'same-origin' || site === 'none') return false;",
      to: "if (site !== '-') return false;",
      red: { [answers]: '[CONSOLE-6]', [serving]: 'a hostile page in the same browser' },
    },
    {
      id: 'W-1.frames',
      off: 'other pages may frame it',
      file: served,
      from: `    "frame-ancestors 'none'",\n`,
      to: '',
      red: { [answers]: '[CONSOLE-8, CONSOLE-9]' },
    },
    {
      id: 'W-1.methods',
      off: 'other methods than reading are answered',
      file: served,
      from: "if (method !== 'GET' && method !== 'HEAD')",
      to: "if (method === '-')",
      red: { [answers]: '[CONSOLE-2]' },
    },
    {
      id: 'W-2.host',
      off: 'it answers under any name',
      file: served,
      from: "if (typeof host !== 'string' || !hosts.has(host.toLowerCase()))",
      to: "if (typeof host !== 'string' || hosts.size === 0)",
      red: { [answers]: '[CONSOLE-4]', [serving]: 'a name that was led to this machine' },
    },
    {
      id: 'W-3.loopback',
      off: 'it listens on every address',
      file: 'apps/console/serve/server.ts',
      from: "const addresses = ['127.0.0.1', '::1'];",
      to: "const addresses = ['0.0.0.0', '::1'];",
      red: { [server]: '[CONSOLE-7]' },
    },
    {
      id: 'W-4.types',
      off: 'text may become markup and script',
      file: served,
      from: `    "require-trusted-types-for 'script'",\n`,
      to: '',
      red: { [answers]: '[CONSOLE-8, CONSOLE-9]', [serving]: 'text does not become markup or code' },
    },
    {
      id: 'W-4.source',
      off: 'markup is written in the source unseen',
      file: 'scripts/check-source.ts',
      from: 'if (markup !== undefined) return',
      to: "if (markup === '-') return",
      red: { 'scripts/test/checks.test.ts': 'source finds markup made of text' },
    },
    {
      id: 'W-5.connect',
      off: 'the page may send anywhere',
      file: served,
      from: "`connect-src 'self' ${relay.replace(/^http/, 'ws')}`",
      to: "`connect-src * ${relay.replace(/^http/, 'ws')}`",
      red: { [answers]: '[CONSOLE-8, CONSOLE-9]', [serving]: 'the page reaches its relay and no other address' },
    },
    {
      id: 'W-5.relay',
      off: 'the address of the relay may bring a policy of its own',
      file: 'apps/console/serve/wire.ts',
      from: 'url.href === `${url.origin}/` && /^[\\w.:/[\\]-]+$/.test(url.origin)',
      to: "url.href.startsWith('http')",
      red: { [server]: '[CONSOLE-3]' },
    },
    {
      id: 'W-6.content',
      off: 'the hash is of names alone',
      file: 'apps/console/serve/bundle.ts',
      from: 'hash: sha256(content) }',
      to: "hash: sha256('') }",
      red: { [bundle]: '[CONSOLE-20]' },
    },
    {
      id: 'W-6.environment',
      off: 'the bundle depends on who builds it',
      file: 'apps/console/serve/bundle.ts',
      from: "env: { PATH: process.env['PATH'] }",
      to: 'env: process.env',
      red: { [bundle]: '[CONSOLE-21, CONSOLE-22]' },
    },
    {
      id: 'W-7.push',
      off: 'the words of a push are shown',
      file: 'apps/console/worker/sw.ts',
      from: "body: 'Something waits for you.'",
      to: "body: event.data?.text() ?? ''",
      red: { [offline]: '[CONSOLE-31]' },
    },
    {
      id: 'W-8.pulse',
      off: 'a pulse that does not hold is passed over without a word',
      file: 'apps/console/src/fleet/live-fleet.ts',
      from: `      this.refusedPulses += 1;\n`,
      to: ``,
      red: { 'apps/console/test/fleet/live-fleet.test.ts': 'pushes without having it' },
    },
    {
      id: 'W-8.signal',
      off: 'signals that do not hold are told of only beside true ones',
      file: 'apps/console/src/fleet/live-fleet.ts',
      from: '    if (news.length === 0 && refused === this.#toldRefused) return;\n',
      to: '    if (news.length === 0) return;\n',
      red: { 'apps/console/test/fleet/live-fleet.test.ts': 'pushes without having it' },
    },
    {
      id: 'W-9.tries',
      off: 'words may be guessed as often as one likes',
      file: 'apps/console/src/screens/pair/tries.ts',
      from: '      this.#left -= 1;\n',
      to: '',
      red: { [words]: 'asked for three times', [pairing]: 'who saw the code and offers' },
    },
    {
      id: 'W-9.words',
      off: 'any words admit a machine',
      file: 'apps/console/src/screens/pair/tries.ts',
      from: '      assertWords(this.#opened, typed);\n',
      to: '',
      red: { [words]: 'asked for three times', [pairing]: 'who saw the code and offers' },
    },
    {
      id: 'W-9.gone',
      off: 'a device is added without an answer to the call',
      file: 'packages/protocol/src/operator/admit.ts',
      from: '  await callNewcomer(session, opened.hash, code);\n',
      to: '',
      red: { [pairing]: '[DEVICES-7] a device that has gone' },
    },
    {
      id: 'W-9.own-words',
      off: 'any words add the device that came to a code of our own',
      file: 'apps/console/src/screens/devices/adding.ts',
      from: 'const tried = tries.try(typed);',
      to: `const tried = { kind: 'right' };`,
      red: { [pairing]: '[PAIRING-16] words that the new device does not show' },
    },
    {
      id: 'W-9.over',
      off: 'a code of our own is good for as long as its page is open',
      file: 'apps/console/src/screens/devices/adding.ts',
      from: `if (stage().kind !== 'adding') end(`,
      to: `if (stage().kind === 'waiting') end(`,
      red: { [pairing]: '[PAIRING-16] a code of our own is fresh' },
    },
    {
      id: 'W-9.left-behind',
      off: 'a code of our own stays in memory when it is over',
      file: 'apps/console/src/screens/devices/adding.ts',
      from: '    code.fill(0);\n',
      to: '',
      red: { [pairing]: '[PAIRING-16]' },
    },
    {
      id: 'W-10.forgets',
      off: 'a way in begins although this browser is a device already',
      file: 'apps/console/src/enter/enter.ts',
      from: 'if (record === undefined || (await store().seen()) === undefined) return;',
      to: 'if (record === undefined || record.fleetName !== undefined) return;',
      red: { [pairing]: 'forgets nothing, wherever a link leads it' },
    },
    {
      id: 'W-11.hidden',
      off: 'characters that hide, or turn what stands beside them, are on a card as they came',
      file: 'apps/console/src/design/shown-text.ts',
      from: 'if (!hides.test(character)) {',
      to: "if (!hides.test(character) || character > '\\u00ff') {",
      red: { [shownText]: 'are shown by name', [hostileText]: 'what hides in it by its name' },
    },
  ],
  exceptions: {},
};
