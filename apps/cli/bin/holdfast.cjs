#!/usr/bin/env node
// The `holdfast` command. Plain JavaScript that an old Node parses (no syntax newer than Node 12), because `npx holdfast` and
// global installs run it with whatever Node the machine has. It becomes the pinned Node with src/main.ts: in this process if this
// is that Node, by execve where Node can, else as a child that gets our signals and gives us its end.
'use strict';

const path = require('path');

/** The oldest Node that has what the code needs: native ML-KEM and ML-DSA, node:sqlite, TypeScript run as it is. */
const oldestMajor = 24;
const main = path.join(__dirname, '..', 'src', 'main.ts');
const argv = process.argv.slice(2);

// Types stripped and code compiled once for all calls: they start more than twice as fast. In the installation, which sessions cannot
// write and whoever can write it owns anyway; where it cannot be written, nothing is kept.
const compiled = process.env.NODE_COMPILE_CACHE || path.join(__dirname, '..', 'node_modules', '.cache', 'compiled');

function findPinned() {
  if (process.platform !== 'linux') return undefined;
  try {
    const name = 'node-linux-' + process.arch;
    const version = require(name + '/package.json').version;
    return { file: require.resolve(name + '/bin/node'), version: version };
  } catch {
    return undefined;
  }
}

function fail(message) {
  process.stderr.write('holdfast: ' + message + '\n');
  process.exit(3);
}

/** True while a terminal has this process group in its foreground: it sends its Ctrl-C to the child as well as to us. */
function inForeground() {
  try {
    const stat = require('fs').readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[2] === fields[5];
  } catch {
    return Boolean(process.stdin.isTTY);
  }
}

function runAsChild(file) {
  const child = require('child_process').spawn(file, [main].concat(argv), {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { NODE_COMPILE_CACHE: compiled }),
  });
  const signals = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
  signals.forEach(function (signal) {
    process.on(signal, function () {
      if ((signal === 'SIGINT' || signal === 'SIGQUIT') && inForeground()) return;
      child.kill(signal);
    });
  });
  child.on('error', function (error) {
    fail('the pinned Node does not start: ' + error.message + '. Run npm ci in the clone, or install Node ' + oldestMajor);
  });
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code === null ? 3 : code);
    signals.forEach(function (name) {
      process.removeAllListeners(name);
    });
    process.kill(process.pid, signal);
  });
}

const pinned = findPinned();
if (pinned === undefined ? parseInt(process.versions.node, 10) >= oldestMajor : pinned.version === process.versions.node) {
  const nodeModule = require('module');
  if (nodeModule.enableCompileCache) nodeModule.enableCompileCache(compiled);
  void import(main);
} else if (pinned === undefined) {
  fail(
    'needs Node ' + oldestMajor + ' and this is ' + process.version + '. Run npm ci in the clone, or install Node ' + oldestMajor,
  );
} else if (typeof process.execve === 'function') {
  // execve announces itself as experimental on stderr, which belongs to the command.
  process.removeAllListeners('warning');
  process.execve(pinned.file, [pinned.file, main].concat(argv), Object.assign({}, process.env, { NODE_COMPILE_CACHE: compiled }));
} else {
  runAsChild(pinned.file);
}
