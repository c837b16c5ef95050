// What of a set also holds at mounts and at the broker.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compile } from '@holdfast/protocol/rules/compile';
import { floor, type FloorContext } from '@holdfast/protocol/rules/floor';
import { parseRules } from '@holdfast/protocol/rules/language';
import { packNames, withPacks } from '@holdfast/protocol/rules/packs/packs';

const context: FloorContext = { agent: 'a1', scope: 'main', mode: 'sealed', directory: '/srv/tree', home: '/home/dev' };
const floorOf = (yaml: string) => floor(compile(parseRules(yaml)), context);

describe('floor', () => {
  it('has the paths that nothing may read or write, with what is exempt', () => {
    const { denyRead, denyWrite } = floorOf(`rules:
  keys: {deny: read, paths: [.env, ~/.ssh, ./private], unless: {paths: ['*.example', ~/.ssh/config]}, reason: no}
  settings: {deny: [write, edit], paths: /etc, case: ignore, reason: no}
`);
    const except = ['**/*.example', '/home/dev/.ssh/config'];
    assert.deepEqual(
      denyRead,
      ['**/.env', '/home/dev/.ssh', '/srv/tree/private'].map((pattern) => ({
        rule: 'keys',
        pattern,
        except,
        ignoreCase: false,
      })),
    ); // [RULES-25]
    assert.deepEqual(denyWrite, [{ rule: 'settings', pattern: '/etc', except: [], ignoreCase: true }]);
  });

  it('has the hosts, and what labels and forbids at the broker', () => {
    const { denyHosts, labelHosts, denyUnder } = floorOf(`rules:
  metadata: {deny: fetch, hosts: 169.254.169.254, reason: no}
  web: {label: fetch, unless: {hosts: docs.example.com}, as: untrusted, reason: no}
  after: {deny: fetch, under: untrusted, unless: {hosts: internal.example.com}, reason: no}
`);
    assert.deepEqual(denyHosts, [{ rule: 'metadata', host: '169.254.169.254', except: [] }]); // [RULES-25]
    assert.deepEqual(labelHosts, [{ rule: 'web', host: '*', except: ['docs.example.com'], as: 'untrusted' }]);
    assert.deepEqual(denyUnder, [{ rule: 'after', host: '*', except: ['internal.example.com'], under: ['untrusted'] }]);
  });

  it('leaves out rules for other sessions, and names those that only the hook can hold', () => {
    const { denyRead, onlyByHook } = floorOf(`rules:
  other: {deny: read, paths: a, scope: build, reason: no}
  mine: {deny: read, paths: b, scope: main, mode: sealed, reason: no}
  night: {deny: read, paths: c, hours: 22:00-06:00 UTC, reason: no}
  mostly: {deny: read, paths: d, unless: {branch: main}, reason: no}
  asked: {ask: read, paths: e, reason: no}
`);
    assert.deepEqual(
      denyRead.map(({ rule }) => rule),
      ['mine'],
    ); // [RULES-25]
    assert.deepEqual(onlyByHook, [
      { rule: 'mostly', because: ['unless branch'] },
      { rule: 'night', because: ['hours'] },
    ]);
  });

  it('takes an exemption that does not hold in this session for none', () => {
    const { denyRead } = floorOf(
      `rules: {x: {deny: read, paths: a, unless: [{scope: build}, {scope: main, paths: a/b}], reason: no}}`,
    );
    assert.deepEqual(denyRead[0]?.except, ['**/a/b']);
  });

  it('holds what the curated packs say of secrets', () => {
    const { denyRead, denyHosts, onlyByHook } = floor(compile(withPacks({ packs: packNames, without: [], rules: [] })), context);
    for (const rule of ['secrets/env-files', 'secrets/private-keys', 'secrets/cloud-credentials', 'secrets/system-secrets'])
      assert.ok(
        denyRead.some((each) => each.rule === rule),
        rule,
      );
    assert.ok(denyHosts.some(({ host }) => host === '169.254.169.254'));
    assert.deepEqual(onlyByHook, []);
  });
});
