// Ways around the guard: other code in its place, its checks skipped, itself switched off.

export const evasion = String.raw`
rules:
  loaded-code:
    deny: shell
    sets:
      - LD_PRELOAD
      - LD_AUDIT
      - LD_LIBRARY_PATH
      - LD_DEBUG_OUTPUT
      - DYLD_*
      - NODE_OPTIONS
      - NODE_EXTRA_CA_CERTS
      - NODE_TLS_REJECT_UNAUTHORIZED
      - PYTHONSTARTUP
      - PYTHONHOME
      - PERL5OPT
      - PERL5LIB
      - RUBYOPT
      - RUBYLIB
      - JAVA_TOOL_OPTIONS
      - _JAVA_OPTIONS
      - BASH_ENV
      - ENV
      - ZDOTDIR
      - PROMPT_COMMAND
      - SHELLOPTS
      - BASHOPTS
      - BASH_FUNC_*
      - PS4
      - GIT_SSH
      - GIT_SSH_COMMAND
      - GIT_ASKPASS
      - GIT_EXTERNAL_DIFF
      - GIT_PROXY_COMMAND
      - GIT_TEMPLATE_DIR
      - GIT_EXEC_PATH
      - GIT_CONFIG_GLOBAL
      - GIT_CONFIG_SYSTEM
      - GIT_CONFIG_COUNT
      - GIT_CONFIG_KEY_*
      - GIT_CONFIG_PARAMETERS
      - SSH_ASKPASS
      - SSL_CERT_FILE
      - SSL_CERT_DIR
      - REQUESTS_CA_BUNDLE
      - CURL_CA_BUNDLE
      - ANTHROPIC_BASE_URL
      - ANTHROPIC_AUTH_TOKEN
      - OPENAI_BASE_URL
      - CLAUDE_CONFIG_DIR
      - CLAUDE_CODE_*
      - CODEX_HOME
      - HTTP_PROXY
      - HTTPS_PROXY
      - ALL_PROXY
      - NO_PROXY
      - http_proxy
      - https_proxy
      - all_proxy
      - no_proxy
      - HOLDFAST_*
      - HUSKY
      - HUSKY_SKIP_HOOKS
      - SKIP
    severity: high
    opaque: allow
    reason: It makes programs load other code, or go past the proxy and its certificates.
    instead: Leave it as it is set.
    hits:
      - LD_PRELOAD=./x.so ls
      - export NODE_OPTIONS="--require ./x.js"
      - env LD_PRELOAD=x ls
      - export HTTPS_PROXY=
      - unset HTTPS_PROXY
      - env -u NO_PROXY curl https://example.com
      - HUSKY=0 git commit -m x
      - BASH_ENV=x bash -c true
      - declare -x LD_PRELOAD=x
    misses:
      - NODE_ENV=test npm test
      - export CI=1
      - echo $NODE_OPTIONS

  search-path:
    warn: shell
    sets: PATH
    severity: medium
    opaque: allow
    reason: Which program a name stands for changes.
    instead: Call the program by its path.
    hits:
      - export PATH=/tmp/x:$PATH
      - PATH=.:$PATH make
    misses:
      - echo $PATH

  hooks-skipped:
    deny: shell
    any:
      - command: git commit
        flags: --no-verify|-n
      - command: git push|merge|am|rebase|cherry-pick|revert|pull
        flags: --no-verify
      - command: git
        flags: '-c=core.hooksPath*|-c=core.hookspath*|-c=core.fsmonitor*|-c=core.sshCommand*|-c=core.sshcommand*|-c=core.editor*|-c=core.pager*|-c=core.gitProxy*|-c=http.sslVerify*|-c=http.sslverify*|-c=http.proxy*|-c=credential*|-c=diff.external*|-c=protocol.ext*|-c=include*|-c=filter*|-c=gpg*'
      - command: git config
        text: [core.hookspath, core.pager, core.editor, sequence.editor, 'pager.*', 'difftool.*.cmd', 'mergetool.*.cmd', 'merge.*.driver', core.askpass, gpg.ssh.program, core.fsmonitor, core.sshcommand, core.gitproxy, core.attributesfile, http.sslverify, http.proxy, 'credential*helper*!', diff.external, protocol.ext.allow, include.path, 'includeif*', 'filter*', 'alias*!*', gpg.program, init.templatedir, 'url*insteadof', uploadpack.packobjectshook]
      - command: git
        flags: --exec-path=*|--upload-pack|--receive-pack
      - command: pre-commit uninstall
      - command: husky uninstall
      - command: lefthook uninstall
    unless:
      - command: git config
        flags: --get|--list|-l|--get-all|--get-regexp
      - command: git config
        flags: --unset|--unset-all
        args: [core.pager, core.editor, sequence.editor, 'pager.*']
      - command: git config get|list
    severity: high
    opaque: allow
    reason: It leaves out the checks of this repository, or has git run something else.
    instead: Make the checks pass.
    hits:
      - git commit --no-verify -m x
      - git commit -nm x
      - git commit -anm x
      - git push --no-verify
      - git -c core.hooksPath=/dev/null commit -m x
      - git -c core.hooksPath=/dev/null checkout -l -b x
      - git -c core.sshCommand=/tmp/x clone -l ssh://host/x
      - git config core.hooksPath /tmp/x
      - git config --global alias.st '!rm -rf /'
      - git config --global core.pager 'sh -c x'
      - git config --global core.editor /tmp/x
      - git config --system core.sshCommand 'ssh -o ProxyCommand=x'
      - git config set --global sequence.editor /tmp/x
    misses:
      - git commit -m x
      - git commit -am "no-verify"
      - rsync --ignore-existing -a a b
      - ./configure --disable-static
      - mvn --skip-tests package
      - git config user.name me
      - git config --get core.hooksPath
      - git config get core.pager
      - git config --unset core.pager
      - git config --global init.defaultBranch main

  git-aliases:
    ask: shell
    command: git config
    text: 'alias.*'
    unless:
      - flags: --get|--list|-l|--get-all|--get-regexp|--unset|--unset-all
      - command: git config get|list|unset
    severity: medium
    opaque: allow
    reason: A word of git's would mean something else from now on, for whoever types it.
    instead: Write the command out.
    hits:
      - git config --global alias.st status
      - git config alias.up 'pull --rebase'
    misses:
      - git config --get alias.st
      - git config user.name me

  guard-off:
    deny: shell
    any:
      - command: claude|claude-code
        flags: --dangerously-skip-permissions|--allow-dangerously-skip-permissions|--bare|--safe-mode|--settings|--setting-sources|--plugin-dir|--mcp-config|--permission-mode=bypassPermissions|--disallowedTools|--allowedTools|--restricted
      - command: claude|claude-code mcp add|add-json|add-from-claude-desktop|remove|serve|reset-project-choices
      - command: claude|claude-code plugin|plugins install|enable|disable|uninstall|marketplace
      - command: claude|claude-code config set|add|remove
      - command: claude|claude-code install|uninstall|migrate-installer|setup-token
      - command: codex
        flags: --dangerously-bypass-approvals-and-sandbox|--yolo|--full-auto|--sandbox=danger-full-access|-s=danger-full-access|--ask-for-approval=never|-a=never|-c|--config
      - command: codex mcp add|remove
      - command: codex login|logout
      - command: gemini
        flags: --yolo|-y|--approval-mode=yolo
      - command: opencode|cursor-agent|aider|goose|amp
        flags: --yolo|--yes-always|--force|-f|--dangerously-allow-all
      - command: holdfast up|down|init|enroll|approve|revoke|suspend|resume|vault|rules|egress|pulse|devices|bedrock|memory|approvals|uninstall|plugin|recover|run|say|chat
      - command: npx|pnpm|yarn|bunx holdfast
      - command: pkill|killall|kill|systemctl|launchctl
        args: ['*holdfast*', '*claude*', '*codex*']
      - command: gdb|lldb|strace|ltrace|gcore
        flags: -p|--pid
        via: sudo
      - command: gcore
      - command: nsenter
      - command: chattr
        args: ['-i', '-a', '-ia']
    severity: critical
    opaque: allow
    reason: It switches the guard off, or starts an agent without it.
    instead: Ask the operator.
    hits:
      - claude --dangerously-skip-permissions -p hi
      - claude mcp add x -- y
      - codex exec --yolo hi
      - holdfast rules apply x.yaml
      - pkill -f holdfast
      - sudo gdb -p 4711
    misses:
      - claude --version
      - holdfast status
      - kill 4711

  verification-off:
    warn: shell
    any:
      - command: curl
        flags: --insecure|-k|--noproxy|--proxy-insecure|--connect-to|--resolve
      - command: wget
        flags: --no-check-certificate|--no-proxy
      - command: http|https|xh
        flags: --verify=no
      - command: ssh|scp|sftp|rsync
        flags: '-o=StrictHostKeyChecking=no|-o=UserKnownHostsFile=/dev/null'
      - command: npm|pnpm|yarn config set strict-ssl
      - command: pip|pip3
        flags: --trusted-host
    severity: medium
    opaque: allow
    reason: It does not look who answers.
    instead: Leave verification on.
    hits:
      - curl -k https://example.com
      - wget --no-check-certificate https://example.com
      - ssh -o StrictHostKeyChecking=no example.com
    misses:
      - curl https://example.com
`;
