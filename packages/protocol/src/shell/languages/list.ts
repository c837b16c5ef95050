// The languages that are read, each as what its calls do.

import type { Effect, Language } from './calls.ts';
import type { Token } from './tokens.ts';

const command = (text: string, takes?: number): Effect => ({ like: text.split(' '), ...(takes !== undefined && { takes }) });

const python: Language = {
  syntax: { comments: ['#'], plain: '', escaped: `'"`, interpolation: 'prefix', triple: true },
  calls: [
    [/(?:^|\.)(?:system|popen|popen2|popen3|popen4|getoutput|getstatusoutput|create_subprocess_shell|startfile)$/, 'script'],
    [
      /^(?:subprocess|asyncio\.subprocess|sh|pty|pexpect|fabric|invoke)\.(?:run|call|spawn|check_call|check_output|Popen|local)$|(?:^|\.)(?:Popen|check_call|check_output|runu)$/,
      'either',
    ],
    [/^\.(?:run|call|getoutput)$/, 'either', /subprocess/],
    [/^pty\.spawn$|(?:^|\.)create_subprocess_exec$/, 'argv'],
    [/(?:^|\.)(?:execv|execvp|execve|execvpe|posix_spawn|posix_spawnp|execl|execlp|execle|execlpe)$/, 'named'],
    [/(?:^|\.)spawn(?:v|vp|ve|vpe|l|lp|le|lpe)$/, 'moded'],
    [/^(?:exec|eval|builtins\.exec|builtins\.eval)$/, 'code'],
    [/(?:^|\.)(?:rmtree|remove_tree)$/, command('rm -rf', 1)],
    [/^os\.remove$|\.unlink$/, command('rm', 1)],
    [/^os\.(?:rmdir|removedirs)$|\.rmdir$/, command('rmdir', 1)],
    [/^os\.(?:rename|renames|replace)$|^shutil\.move$/, command('mv', 2)],
    [/^shutil\.copy(?:2|file|tree)?$/, command('cp', 2)],
    [/^os\.l?chmod$/, command('chmod', 2)],
    [/^os\.l?chown$|^shutil\.chown$/, command('chown', 2)],
    [/^os\.(?:kill|killpg)$/, command('kill', 1)],
    [/^os\.(?:symlink|link)$/, command('ln', 2)],
    [/^os\.truncate$/, command('truncate', 1)],
    [/^(?:io\.|codecs\.)?open$|\.open$/, 'opens'],
    [/^(?:getattr|hasattr|setattr)$/, 'looksUp'],
    [/^(?:__import__|importlib\.import_module)$/, 'loads'],
    [/\.write_(?:text|bytes)$/, 'writes'],
  ],
  hidden:
    /^(?:compile|globals|__builtins__|execfile)$|^(?:builtins|ctypes|cffi|marshal|runpy|codeop|imp|code|importlib\.(?:util|machinery)|types\.(?:FunctionType|CodeType))\.|^types\.(?:FunctionType|CodeType)$|\.(?:__dict__|__globals__|__subclasses__|__builtins__|__getattribute__|load_module|exec_module)$|^operator\.(?:attrgetter|methodcaller)$/,
  hiddenPairs: /^\] \($/,
  declares: /^(?:def|class)$/,
  hiddenStrings: /^(?:system|popen|subprocess|os\.system|__import__|rmtree|execvp?)$/,
  aliases: pythonAliases,
};

/** What `from os import *` brings of what matters here. */
const everyName: Readonly<Record<string, readonly string[]>> = {
  os: 'system popen remove unlink rmdir removedirs rename replace truncate execv execve execvp execl execlp spawnv spawnl posix_spawn kill'.split(
    ' ',
  ),
  subprocess: 'run call check_call check_output Popen getoutput getstatusoutput'.split(' '),
  shutil: 'rmtree move copy copyfile copytree'.split(' '),
  pty: ['spawn'],
};

/** `import subprocess as s`, `from os import system as x`, `m = __import__('os')`. */
function pythonAliases(tokens: readonly Token[]): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  let from: string | undefined;
  for (let at = 0; at < tokens.length; at += 1) {
    const text = tokens[at]?.text;
    const [next, after, other] = [tokens[at + 1], tokens[at + 2], tokens[at + 3]];
    if (text === 'from' && next?.kind === 'name') from = next.text;
    if (from !== undefined && text === 'import' && next?.text === '*')
      for (const name of everyName[from] ?? []) aliases.set(name, `${from}.${name}`);
    if (tokens[at]?.kind === 'line' || text === ';') from = undefined;
    if ((text === 'import' || text === ',') && next?.kind === 'name') {
      const target = from === undefined ? next.text : `${from}.${next.text}`;
      if (from !== undefined && text === 'import' && next.kind === 'name') aliases.set(next.text, target);
      else if (from !== undefined) aliases.set(next.text, target);
      if (after?.text === 'as' && other?.kind === 'name') aliases.set(other.text, target);
    }
    if (
      next?.text === '=' &&
      after?.kind === 'name' &&
      tokens[at]?.kind === 'name' &&
      /^(?:os|subprocess|shutil|pty)$/.test(after.text)
    ) {
      if (other?.text !== '.' && other?.text !== '(') aliases.set(text ?? '', after.text);
    }
  }
  return aliases;
}

const javascript: Language = {
  syntax: { comments: ['//'], plain: '', escaped: `'"\``, interpolation: 'template', patterns: true, blockComments: true },
  calls: [
    [/(?:^|\.)(?:execSync|execaCommand|execaCommandSync)$/, 'script'],
    [/(?:^|\.)exec$/, 'script', /child_process|shelljs/],
    [/(?:^|\.)(?:fork|exec)$/, 'argv', /child_process/],
    [/(?:^|\.)(?:spawn|spawnSync|execFile|execFileSync|execa|execaSync)$|^Bun\.(?:spawn|spawnSync)$/, 'argv'],
    [/^(?:require|import)$/, 'loads'],
    [/(?:^|\.)(?:eval|Function|runInThisContext|runInNewContext|runInContext)$/, 'code'],
    [/(?:^|\.)(?:unlink|unlinkSync)$|^Deno\.remove(?:Sync)?$/, command('rm', 1)],
    [/(?:^|\.)(?:rm|rmSync|rimraf|rimrafSync|emptyDir|emptyDirSync|removeSync)$|^fse?\.remove$/, command('rm -rf', 1)],
    [/(?:^|\.)(?:rmdir|rmdirSync)$/, command('rm -r', 1)],
    [/(?:^|\.)(?:rename|renameSync|moveSync)$/, command('mv', 2)],
    [/(?:^|\.)(?:copyFile|copyFileSync|cpSync|copySync)$/, command('cp', 2)],
    [/(?:^|\.)(?:chmod|chmodSync)$/, command('chmod', 2)],
    [/(?:^|\.)(?:truncate|truncateSync)$/, command('truncate', 1)],
    [/^process\.kill$/, command('kill', 1)],
    [
      /(?:^|\.)(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|outputFile|outputFileSync|writeTextFile|writeTextFileSync)$|^Bun\.write$/,
      'writes',
    ],
    [/(?:^|\.)(?:open|openSync|readFile|readFileSync|createReadStream|readTextFile|readTextFileSync)$|^Bun\.file$/, 'opens'],
  ],
  aliases: javascriptAliases,
  tags: /^(?:Bun\.)?\$$/,
  hidden:
    /^(?:WebAssembly|Reflect)$|^(?:WebAssembly|Reflect|vm)\.|^Deno\.(?:run|Command|dlopen)$|\.constructor\.constructor$|\.(?:_load|mainModule|binding|_linkedBinding|dlopen)$|^process\.mainModule/,
  hiddenPairs: /^\] \($|^(?:global|globalThis|process|module|require|constructor) \[$/,
  declares: /^(?:function|class)$/,
  hiddenStrings: /^(?:constructor|mainModule|_load|exec|execSync|spawnSync|eval)$/,
};

/** `const { spawnSync: s } = require('child_process')`, `import { exec as x } from …`. */
function javascriptAliases(tokens: readonly Token[]): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const [at, token] of tokens.entries()) {
    const [mark, name] = [tokens[at + 1], tokens[at + 2]];
    if (
      token.kind === 'name' &&
      name?.kind === 'name' &&
      (mark?.text === ':' || mark?.text === 'as') &&
      /^(?:exec|spawn|fork)/.test(token.text)
    )
      aliases.set(name.text, token.text);
  }
  return aliases;
}

const perl: Language = {
  syntax: {
    comments: ['#'],
    plain: "'",
    escaped: '"`',
    interpolation: 'perl',
    operators: 'perl',
    runs: true,
    patterns: true,
    sigils: true,
  },
  calls: [
    [/^(?:CORE\.|CORE\.GLOBAL\.)?(?:system|exec)$|^(?:backtick|capture|run|shell)$/, 'argv'],
    [/(?:^|\.)(?:open2|open3|run3|ipc_run)$/, 'argv'],
    [/^open$/, 'pipes'],
    [/^eval$/, 'code'],
    [/^(?:unlink)$/, command('rm')],
    [/(?:^|\.)(?:rmtree|remove_tree)$/, command('rm -rf')],
    [/^rmdir$/, command('rmdir')],
    [/^rename$|(?:^|\.)move$/, command('mv', 2)],
    [/^chmod$/, command('chmod')],
    [/^kill$/, command('kill')],
    [/^truncate$/, command('truncate', 1)],
  ],
  hidden: /^(?:syscall|&(?:system|exec|CORE))$|^(?:DynaLoader|Inline|FFI|CORE\.GLOBAL|&CORE)|\.can$/,
  hiddenPairs: /^(?:&|\*) [{$]/,
  declares: /^(?:sub|package|use|no|->)$/,
  bare: true,
  hiddenStrings: /^(?:system|exec|CORE::system)$/,
};

const ruby: Language = {
  syntax: { comments: ['#'], plain: "'", escaped: '"`', interpolation: 'ruby', operators: 'ruby', runs: true, patterns: true },
  calls: [
    [
      /^(?:Kernel\.|Process\.|\.)?(?:system|exec|spawn)$|^IO\.popen$|^PTY\.(?:spawn|getpty)$|^Open3\.\w+$|^(?:sh|popen|syscall)$/,
      'argv',
    ],
    [/(?:^|\.)(?:eval|instance_eval|class_eval|module_eval)$/, 'code'],
    [/^(?:File|IO|Pathname)\.(?:delete|unlink)$|\.unlink$/, command('rm')],
    [
      /^FileUtils\.(?:rm_rf|rm_r|rmtree|remove_dir|remove_entry|remove_entry_secure)$|(?:^|\.)(?:rm_rf|rm_r|rmtree)$/,
      command('rm -rf'),
    ],
    [/^FileUtils\.(?:rm|rm_f|remove)$/, command('rm')],
    [/^Dir\.(?:rmdir|delete|unlink)$/, command('rmdir')],
    [/^(?:FileUtils\.(?:mv|move)|File\.rename)$/, command('mv', 2)],
    [/^FileUtils\.(?:cp|cp_r|copy|install)$/, command('cp', 2)],
    [/^(?:FileUtils|File)\.(?:chmod|chmod_R)$/, command('chmod', 2)],
    [/^Process\.kill$/, command('kill')],
    [/^(?:File|IO)\.(?:write|binwrite)$/, 'writes'],
    [/^(?:File\.(?:open|new|read|readlines|foreach)|IO\.(?:read|readlines)|open|Pathname)$/, 'opens'],
  ],
  hidden:
    /^(?:send|public_send|__send__|const_get|Fiddle|syscall)$|\.(?:send|public_send|__send__|const_get|method|instance_method)$|^(?:Fiddle|Marshal)\./,
  declares: /^(?:def|class|module|:)$/,
  bare: true,
  hiddenStrings: /^(?:system|exec|spawn|Kernel)$/,
};

const php: Language = {
  syntax: {
    comments: ['//', '#'],
    plain: "'",
    escaped: '"`',
    interpolation: 'perl',
    runs: true,
    blockComments: true,
    sigils: true,
  },
  calls: [
    [/^(?:system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)$/, 'either'],
    [/^eval$/, 'code'],
    [/^unlink$/, command('rm', 1)],
    [/^rmdir$/, command('rmdir', 1)],
    [/^rename$/, command('mv', 2)],
    [/^copy$/, command('cp', 2)],
    [/^chmod$/, command('chmod', 2)],
    [/^(?:posix_kill)$/, command('kill', 1)],
    [/^(?:file_put_contents)$/, 'writes'],
    [/^(?:fopen|file_get_contents|readfile|file|show_source)$/, 'opens'],
  ],
  hidden:
    /^(?:assert|create_function|call_user_func|call_user_func_array|ReflectionFunction|ReflectionMethod|FFI|dl|register_shutdown_function)$|^FFI\./,
  hiddenPairs: /^\$\w+ \($|^\] \($|^\) \($/,
  declares: /^(?:function|class|->|::)$/,
  hiddenStrings: /^(?:system|exec|shell_exec|passthru|popen|eval|assert)$/,
};

const lua: Language = {
  syntax: { comments: ['--'], plain: '', escaped: `'"`, interpolation: 'none' },
  calls: [
    [/(?:^|\.)(?:execute|popen)$/, 'script'],
    [/^(?:load|loadstring)$/, 'code'],
    [/^os\.remove$/, command('rm', 1)],
    [/^os\.rename$/, command('mv', 2)],
    [/^io\.open$/, 'opens'],
  ],
  hidden: /^(?:dofile|loadfile|_G|_ENV|getfenv|setfenv|rawget|debug|ffi|package|require)$|^(?:debug|ffi|package|string\.dump)\./,
  hiddenPairs: /^\] \($/,
  declares: /^function$/,
};

const r: Language = {
  syntax: { comments: ['#'], plain: '', escaped: `'"`, interpolation: 'none' },
  calls: [
    [/^(?:system|shell|pipe)$/, 'script'],
    [/^(?:system2|processx\.run)$/, 'argv'],
    [/^unlink$/, command('rm -r', 1)],
    [/^file\.remove$/, command('rm', 1)],
    [/^file\.rename$/, command('mv', 2)],
    [/^(?:file|readLines|read\.\w+|scan)$/, 'opens'],
    [/^(?:writeLines|write\.\w+|saveRDS)$/, 'opens'],
  ],
  hidden: /^(?:eval|parse|do\.call|match\.fun|get|source|dyn\.load|Reduce|Map|sapply|lapply)$/,
  declares: /^function$/,
};

export const languages: Readonly<Record<string, Language>> = { python, javascript, perl, ruby, php, lua, r };
