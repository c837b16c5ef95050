// Programs that run what a file of theirs says, in a language that nobody here reads: nmap, ninja, just … Only files that this text wrote are looked
// into [SHELL-6], for what begins like a command line [SHELL-11].

import { readLoosely } from './code.ts';
import { hole } from './command.ts';
import { deeper, type Context } from './machine.ts';
import { list } from './options.ts';

interface TaskFiles {
  /** What it reads when nobody names another. */
  readonly files: readonly string[];
  /** Options whose value names a file. */
  readonly options: readonly string[];
  /** The interpreter that reads it, where somebody here can read its language. */
  readonly by?: 'lua' | 'python' | 'ruby' | 'node';
}

const taskFiles = (files: string, options: string, by?: TaskFiles['by']): TaskFiles => ({
  files: files === '' ? [] : list(files),
  options: list(options),
  ...(by !== undefined && { by }),
});

const languages = { lua: 'other', python: 'python', ruby: 'ruby', node: 'javascript' } as const;

const gradle = taskFiles('build.gradle build.gradle.kts settings.gradle settings.gradle.kts', '-b --build-file -I --init-script');

export const tasks: ReadonlyMap<string, TaskFiles> = new Map([
  ['nmap', taskFiles('', '--script', 'lua')],
  ['cmake', taskFiles('CMakeLists.txt', '-P -C')],
  ['ninja', taskFiles('build.ninja', '-f')],
  ['just', taskFiles('justfile Justfile .justfile', '-f --justfile')],
  ['task', taskFiles('Taskfile.yml Taskfile.yaml', '-t --taskfile')],
  ['gradle', gradle],
  ['gradlew', gradle],
  ['rake', taskFiles('Rakefile rakefile', '-f --rakefile', 'ruby')],
  ['mvn', taskFiles('pom.xml', '-f --file')],
  ['ant', taskFiles('build.xml', '-f -buildfile -file')],
  ['tox', taskFiles('tox.ini pyproject.toml', '-c --conf')],
  ['nox', taskFiles('noxfile.py', '-f --noxfile', 'python')],
  ['invoke', taskFiles('tasks.py', '-c --collection', 'python')],
  ['fab', taskFiles('fabfile.py', '-f --fabfile', 'python')],
  ['doit', taskFiles('dodo.py', '-f --file')],
  ['scons', taskFiles('SConstruct', '-f --file')],
  ['meson', taskFiles('meson.build', '--native-file')],
  ['bazel', taskFiles('BUILD BUILD.bazel WORKSPACE .bazelrc', '--bazelrc')],
  ['grunt', taskFiles('Gruntfile.js', '--gruntfile', 'node')],
  ['gulp', taskFiles('gulpfile.js', '-f --gulpfile', 'node')],
  ['foreman', taskFiles('Procfile', '-f --procfile')],
  ['honcho', taskFiles('Procfile', '-f --procfile')],
  ['overmind', taskFiles('Procfile', '-f --procfile')],
  ['pre-commit', taskFiles('.pre-commit-config.yaml', '-c --config')],
  ['lefthook', taskFiles('lefthook.yml', '--file')],
  ['ansible-playbook', taskFiles('', '-i')],
  ['terraform', taskFiles('main.tf', '-var-file')],
  ...list(
    'gcc g++ cc c++ clang clang++ tcc zig rustc go java javac kotlin kotlinc scalac swiftc ghc ocamlfind nim crystal dotnet fpc gfortran dmd',
  ).map((name) => [name, taskFiles('', '-include')] as const),
  ['supervisord', taskFiles('supervisord.conf', '-c --configuration')],
]);

/** Compilers among them: what they make runs later, but nothing else knows what it does. */
export function runTasks({ name, words, place, machine }: Context, { files, options, by }: TaskFiles): void {
  const inner = deeper(place, { wrappers: [...place.wrappers, name], input: hole, maybe: true });
  const named = words.flatMap(({ text }, at) => {
    const [option = '', value] = /^(--?[\w-]+)=(.*)$/s.exec(text)?.slice(1) ?? [text];
    if (options.includes(option)) return (value ?? words[at + 1]?.text ?? '').split(',');
    return text.startsWith('-') ? [] : [text];
  });
  for (const file of new Set([...files, ...named]))
    for (const text of place.scope.written.scripts({ text: file, dynamic: false, glob: false })) {
      if (by !== undefined) machine.code(text, languages[by], inner, by);
      readLoosely(text, inner, machine, name);
    }
  // `tcc -run -`
  if (place.input !== undefined && words.some((word) => word.text === '-')) readLoosely(place.input, inner, machine, name);
}
