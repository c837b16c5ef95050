// What comes from other machines to this one: THREAT_MODEL.md, J.

import type { Mutation } from '../mutation.ts';

const door = 'apps/daemon/test/session/agent-door.test.ts';
const output = 'apps/cli/test/output.test.ts';
const uninstall = 'apps/cli/test/uninstall.test.ts';

export const onOtherMachines: readonly Mutation[] = [
  {
    id: 'J-16.visible',
    off: 'control characters reach the terminal',
    file: 'packages/protocol/src/codec/shown.ts',
    from: `export function visible(text: string): string {
  return text.replaceAll(unseen, (character) =>`,
    to: `export function visible(text: string): string {
  return text.replaceAll(/[\\p{Cn}]/gu, (character) =>`,
    red: { [output]: 'nothing of another machine reaches a terminal as a command to it' },
  },
  {
    id: 'J-17.origin',
    off: 'a request with origin is answered',
    file: 'apps/daemon/src/session/agent-door.ts',
    from: 'origin !== undefined ||',
    to: '',
    red: { [door]: 'a web page is not answered' },
  },
  {
    id: 'J-17.referer',
    off: 'a request with referer is answered',
    file: 'apps/daemon/src/session/agent-door.ts',
    from: 'referer !== undefined ||',
    to: '',
    red: { [door]: 'a web page is not answered' },
  },
  {
    id: 'J-17.fetch-site',
    off: 'a request with fetch-site is answered',
    file: 'apps/daemon/src/session/agent-door.ts',
    from: "headers['sec-fetch-site'] !== undefined ||",
    to: '',
    red: { [door]: 'a web page is not answered' },
  },
  {
    id: 'J-17.host',
    off: 'a name that was bound to loopback is answered',
    file: 'apps/daemon/src/session/agent-door.ts',
    from: '!/^(127\\.0\\.0\\.1|localhost)(:\\d{1,5})?$/.test(host)',
    to: "host === ''",
    red: { [door]: 'a web page is not answered' },
  },
  {
    id: 'J-17.json',
    off: 'a body that a page can post is taken',
    file: 'apps/daemon/src/session/agent-door.ts',
    from: `if (!/^application\\/json *(?:;|$)/i.test(request.headers['content-type'] ?? ''))`,
    to: "if (request.headers['content-type'] === 'none')",
    red: { [door]: 'a route takes its own method, a bounded body, and JSON that is announced as such' },
  },
  {
    id: 'J-18.links',
    off: 'links to folders are entered',
    file: 'apps/cli/src/commands/uninstall.ts',
    from: 'if (each.isDirectory()) removeFolder(inside, device);',
    to: "if (each.isDirectory() || each.name === 'out') removeFolder(each.isDirectory() ? inside : realpathSync(inside), device);",
    red: { [uninstall]: 'everything of ours goes; links are not followed, closed folders are no obstacle' },
  },
];
