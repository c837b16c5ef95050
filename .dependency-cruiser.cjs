// Who may import whom (DESIGN: imports only go down), for `npm run check`. Type imports count like any other.
// Each rule has a planted violation in scripts/test/checks.test.ts.
'use strict';

/** The folders of packages/protocol/src in order: each imports only earlier ones. */
const protocolOrder = [
  'errors.ts',
  'codec',
  'primitives',
  'keys',
  'blind',
  'seal',
  'custody',
  'identity',
  'vault',
  'audit',
  'shell',
  'rules',
  'approvals',
  'journal',
  'memory',
  'exchange',
  'operator',
  'door',
];

const protocol = 'packages/protocol/src/';
const inProtocol = (parts) => '^' + protocol + '(' + parts.map((part) => part.replace('.', '\\.')).join('|') + ')($|/)';
const thirdParty = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'];

const upward = protocolOrder.slice(0, -1).map((part, index) => ({
  name: 'protocol-order-' + part,
  comment: 'inside the protocol, ' + part + ' imports only what comes before it in the order',
  severity: 'error',
  from: { path: inProtocol([part]) },
  to: { path: inProtocol(protocolOrder.slice(index + 1)) },
}));

const outsideOf = (from, name, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^' + protocol, pathNot: inProtocol(allowed) },
});

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'protocol-unlisted',
      comment: 'a new folder of the protocol takes its place in the order (top of this file)',
      severity: 'error',
      from: { path: '^' + protocol, pathNot: inProtocol(protocolOrder) },
      to: {},
    },
    {
      name: 'protocol-no-node',
      comment: 'the protocol runs in browsers: only primitives/node.ts knows Node',
      severity: 'error',
      from: { path: '^' + protocol, pathNot: '^' + protocol + 'primitives/node\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'packages-no-apps',
      comment: 'imports only go down: packages never import apps',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-apart',
      comment: 'an app is a process and a trust domain: apps never import apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'no-testkit-in-source',
      comment: 'fakes stay in tests',
      severity: 'error',
      from: { path: '^(apps/[^/]+|packages/(protocol|verify))/(src|serve)/' },
      to: { path: ['^packages/testkit/', '^(e2e|bench|scripts)/', '^(apps|packages)/[^/]+/test/'] },
    },
    outsideOf(
      '^apps/relay/src/',
      'relay-blind',
      ['errors.ts', 'codec', 'primitives', 'keys', 'blind'],
      'the relay has no code that opens anything: it imports only the blind part of the protocol',
    ),
    outsideOf(
      '^apps/custody/src/',
      'custody-small',
      ['errors.ts', 'codec', 'primitives', 'keys', 'blind', 'seal', 'custody'],
      'custody imports only what signing and opening need',
    ),
    outsideOf(
      '^packages/verify/src/',
      'verify-small',
      ['errors.ts', 'codec', 'primitives', 'keys', 'blind', 'seal', 'custody', 'identity'],
      'services import what verifying needs, and nothing of the journal',
    ),
    {
      name: 'verify-no-node',
      comment: 'services run on any platform: what they import knows no Node',
      severity: 'error',
      from: { path: '^packages/verify/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'custody-no-third-party',
      comment: 'custody has no third-party package',
      severity: 'error',
      from: { path: '^apps/custody/src/' },
      to: { dependencyTypes: thirdParty, pathNot: '^packages/' },
    },
    {
      name: 'custody-no-network',
      comment: 'custody has no network and no socket',
      severity: 'error',
      from: { path: '^apps/custody/src/' },
      to: { path: '^(node:)?(net|http|https|http2|tls|dgram|dns|dns/promises|inspector|cluster)$' },
    },
    {
      name: 'console-protocol',
      comment: 'the console runs in browsers, holds keys of its own and has no socket of a machine: no Node, no custody, no door',
      severity: 'error',
      from: { path: '^apps/console/src/' },
      to: { path: inProtocol(['primitives/node.ts', 'custody', 'door']) },
    },
    {
      name: 'console-no-node',
      comment: 'browsers know no Node',
      severity: 'error',
      from: { path: '^apps/console/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'console-served',
      comment:
        'the server hands out the bundle, the screens know no server, the service worker is small and alone: none imports another',
      severity: 'error',
      from: { path: '^apps/console/(src|serve|worker)/' },
      to: { path: '^apps/console/', pathNot: '^apps/console/($1/|vite\\.config\\.ts$)' },
    },
    {
      name: 'console-apart',
      comment: 'the console is a program for browsers: others run it or open it, and import none of it',
      severity: 'error',
      from: { pathNot: '^apps/console/' },
      to: { path: '^apps/console/' },
    },
    {
      name: 'daemon-parts',
      comment: 'sandbox/ and broker/ know nothing of the daemon around them: they are given what they use',
      severity: 'error',
      from: { path: '^apps/daemon/src/(sandbox|broker)/' },
      to: { path: '^(apps/daemon/src/|packages/)', pathNot: '^apps/daemon/src/$1/|^' + protocol + 'errors\\.ts$' },
    },
    {
      name: 'no-cycles',
      comment: 'a cycle cannot be read in order',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'an import that leads nowhere escapes every other rule',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'a third-party package stands in the package.json of the workspace that imports it',
      severity: 'error',
      from: { path: '^(apps|packages)/[^/]+/(src|serve)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], pathNot: '^(packages|apps)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)node_modules/.*/node_modules/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
