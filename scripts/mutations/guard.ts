// Controls of the guard: THREAT_MODEL.md, G.

import type { Area } from './mutation.ts';

const guardTest = 'apps/daemon/test/guard/guard.test.ts';
const doorTest = 'apps/daemon/test/guard/door.test.ts';

export const guard: Area = {
  mutations: [
    {
      id: 'G-1.links',
      off: 'a path is held against the rules only as it is written',
      file: 'apps/daemon/src/guard/paths.ts',
      from: `return place === absolutePath ? [absolutePath] : [absolutePath, place];`,
      to: `return [absolutePath];`,
      red: { 'apps/daemon/test/guard/paths.test.ts': 'links are followed inside the session' },
    },
    {
      id: 'G-1.operator',
      off: 'an act that nobody answered for may happen',
      file: 'apps/daemon/src/guard/guard.ts',
      from: `outcome === 'allowed'`,
      to: `outcome !== 'denied'`,
      red: { [guardTest]: 'only their yes is one' },
    },
    {
      id: 'G-1.rewritten',
      off: 'a rewritten call is not judged again',
      file: 'apps/daemon/src/guard/guard.ts',
      from: `if (effect === 'deny' || (effect === 'ask' && decision.effect !== 'ask'))`,
      to: `if (effect === 'deny' && effect !== 'deny')`,
      red: { [guardTest]: 'a rewritten call is judged as it will run' },
    },
    {
      id: 'G-2.switched-off',
      off: 'a repository may switch hooks off',
      file: 'apps/daemon/src/guard/claude-code/settings.ts',
      from: `    disableAllHooks: false,\n`,
      to: '',
      red: { 'apps/daemon/test/guard/settings.test.ts': 'a failure blocks' },
    },
    {
      id: 'G-3.fault',
      off: 'an event that cannot be read gets an empty answer',
      file: 'apps/daemon/src/guard/claude-code/door.ts',
      from: `told = answerFault(thrown);`,
      to: `told = {};`,
      red: { [doorTest]: 'whatever cannot be read' },
    },
    {
      id: 'G-3.depth',
      off: 'depth is not bounded',
      file: 'apps/daemon/src/guard/claude-code/wire.ts',
      from: `if (depth > maxEventDepth)`,
      to: `if (depth > 1_000_000)`,
      red: { 'apps/daemon/test/guard/wire.test.ts': 'depth is bounded' },
    },
    {
      id: 'G-4.record',
      off: 'the answer does not wait for the record',
      file: 'apps/daemon/src/guard/guard.ts',
      from: `await this.#ports.record({ ...judged, allowed });`,
      to: `void this.#ports.record({ ...judged, allowed }).catch(() => {});`,
      red: { [guardTest]: 'nothing happens that is not recorded first' },
    },
    {
      id: 'G-6.version',
      off: 'any version is started',
      file: 'apps/daemon/src/guard/claude-code/version.ts',
      from: `if (version !== undefined && isAtLeast(version, minimumVersion)) return;`,
      to: `if (version !== undefined) return;`,
      red: { 'apps/daemon/test/guard/version.test.ts': 'is not started' },
    },
    {
      id: 'G-7.before-minting',
      off: 'a credential is used whatever the rules say',
      file: 'apps/daemon/src/session/ruled-authority.ts',
      from: `await this.#assertAllowed(facts, this.nameOf(view));`,
      to: '',
      red: { 'apps/daemon/test/session/ruled-authority.test.ts': 'is not minted and does not pass' },
    },
    {
      id: 'G-8.around-the-broker',
      off: 'a request of the tools goes out by an address instead of the broker',
      file: 'apps/daemon/src/mcp/own-request.ts',
      from: `createConnection: () => socket,`,
      to: `host: url.hostname, port: url.port,`,
      red: { 'apps/daemon/test/mcp/own-request.test.ts': 'what the session may not reach' },
    },
    {
      id: 'G-15.one-way-to-pass',
      off: 'an answer without a verdict lets the tool run',
      file: 'apps/daemon/src/guard/codex/requirements.ts',
      from: 'verdict=none',
      to: 'verdict=pass',
      red: { 'apps/daemon/test/guard/codex.test.ts': 'stops the tool on an answer without a verdict' },
    },
    {
      id: 'G-20.wrappers',
      off: 'what stands behind sudo and its kind is not read',
      file: 'packages/protocol/src/shell/invoke.ts',
      from: `if (prefix !== undefined) return runPrefix(context, prefix);`,
      to: `if (prefix !== undefined) return undefined;`,
      red: { 'packages/protocol/test/shell/mutated.test.ts': 'a command hidden in one way is found' },
    },
    {
      id: 'G-20.unknown-scripts',
      off: 'a script that is not known is taken to be harmless',
      file: 'packages/protocol/src/shell/code.ts',
      from: `if (text.includes(hole)) machine.findings.opaque('dynamic_script', program, text);\n  if (text.replaceAll`,
      to: `if (text.replaceAll`,
      red: { 'packages/protocol/test/shell/commands.test.ts': 'what is opaque names the program' },
    },
    {
      id: 'G-9.links',
      off: 'what a link of such a name leads to is not kept',
      file: 'apps/daemon/src/guard/held-places.ts',
      from: `return target !== undefined && target.startsWith(\`\${tree}/\`) ? [target] : [];`,
      to: `return target === '' ? [target] : [];`,
      red: { 'apps/daemon/test/guard/held-places.test.ts': 'what a link of that name leads to' },
    },
  ],
  exceptions: {
    'G-5': 'only the real Claude Code tells, which the runner does not fetch',
  },
};
