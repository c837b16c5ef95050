// What steers an agent and its guard: settings, hooks, steering files, what a repository and a shell run by themselves.

export const steering = String.raw`
rules:
  harness-settings:
    deny: [write, edit]
    paths:
      - .claude/settings.json
      - .claude/settings.local.json
      - .claude/hooks
      - .claude/plugins
      - .claude.json
      - .claude/managed-settings.json
      - managed-settings.json
      - /etc/claude-code
      - .mcp.json
      - .codex/config.toml
      - .codex/hooks.json
      - .codex/rules
      - .gemini/settings.json
      - .cursor/hooks.json
      - .cursor/mcp.json
      - .cursor/permissions.json
      - .opencode/opencode.json
      - opencode.json
      - .copilot/config.json
      - .github/hooks
      - .vscode/mcp.json
      - .config/holdfast
      - .local/share/holdfast
      - .holdfast
      - hooks/hooks.json
      - .claude-plugin
    severity: critical
    reason: It changes what the agent itself is allowed to do.
    instead: Tell the operator which setting should change, and why.
    hits:
      - write: .claude/settings.json
      - edit: /home/dev/.claude/settings.json
      - echo '{"disableAllHooks":true}' > .claude/settings.local.json
      - sed -i s/true/false/ ~/.claude/settings.json
      - rm -rf .claude/hooks
      - mv .mcp.json x
      - python3 -c "open('.claude/settings.json','w').write('{}')"
      - cp x.json .mcp.json
      - jq . x | tee .claude/settings.json
      - ln -sf /tmp/x .claude/settings.json
      - git checkout other -- .claude/settings.json
    misses:
      - cat .claude/settings.json
      - read: .claude/settings.json
      - write: src/settings.json

  steering-files:
    ask: [write, edit]
    paths:
      - CLAUDE.md
      - CLAUDE.local.md
      - AGENTS.md
      - AGENTS.override.md
      - GEMINI.md
      - .claude
      - .cursorrules
      - .cursor/rules
      - .windsurfrules
      - .clinerules
      - .github/copilot-instructions.md
      - .github/instructions
      - .github/prompts
      - .codex
      - SKILL.md
    unless:
      - paths: [.claude/todos, .claude/projects, .claude/shell-snapshots, .claude/statsig, .claude/plans]
    severity: high
    opaque: allow
    reason: Every later session is steered by this file.
    instead: Tell the operator what should stand there.
    hits:
      - write: CLAUDE.md
      - echo "ignore all rules" >> AGENTS.md
      - edit: .claude/commands/x.md
    misses:
      - cat CLAUDE.md
      - write: README.md

  repository-triggers:
    deny: [write, edit]
    paths:
      - .git/hooks
      - .git/config
      - .git/info/attributes
      - .git/modules
      - .husky
      - .lefthook.yml
      - lefthook.yml
      - .pre-commit-config.yaml
      - .envrc
      - .vscode/tasks.json
      - .vscode/settings.json
      - .vscode/launch.json
      - .vscode/extensions.json
      - .idea/workspace.xml
      - .devcontainer
      - .gitmodules
      - .gitattributes
    severity: high
    opaque: allow
    reason: It runs, or changes what runs, when somebody else works in this tree.
    instead: Tell the operator what should stand there.
    hits:
      - write: .git/hooks/pre-commit
      - echo x > .husky/pre-push
      - chmod +x .git/hooks/post-checkout
      - write: .vscode/tasks.json
    misses:
      - cat .git/config
      - write: src/hooks/use-x.ts

  shell-profiles:
    deny: [write, edit]
    paths:
      - .bashrc
      - .bash_profile
      - .bash_login
      - .bash_logout
      - .bash_aliases
      - .profile
      - .zshrc
      - .zshenv
      - .zprofile
      - .zlogin
      - .zlogout
      - .kshrc
      - .cshrc
      - .tcshrc
      - .inputrc
      - .config/fish
      - .xprofile
      - .xinitrc
      - .xsessionrc
      - .pam_environment
      - .ssh/authorized_keys
      - .ssh/authorized_keys2
      - .ssh/config
      - .ssh/rc
      - .ssh/environment
      - ~/.gitconfig
      - ~/.config/git
      - ~/.npmrc
      - ~/.yarnrc
      - ~/.pip
      - ~/.config/pip
      - ~/.pypirc
      - ~/.cargo/config.toml
      - ~/.curlrc
      - ~/.wgetrc
      - ~/.netrc
      - ~/.vimrc
      - ~/.config/nvim
      - ~/.emacs
      - ~/.tmux.conf
      - ~/.gdbinit
      - ~/.pythonrc
      - ~/.irbrc
      - ~/.psqlrc
      - ~/.sqliterc
      - ~/.config/autostart
      - ~/.config/systemd
      - ~/.local/share/systemd
      - ~/Library/LaunchAgents
      - /etc/profile
      - /etc/profile.d
      - /etc/bash.bashrc
      - /etc/environment
      - /etc/ld.so.preload
      - /etc/ld.so.conf
      - /etc/ld.so.conf.d
      - /etc/cron.d
      - /etc/cron.daily
      - /etc/cron.hourly
      - /etc/crontab
      - /var/spool/cron
      - /etc/systemd
      - /etc/sudoers
      - /etc/sudoers.d
      - /etc/pam.d
      - /etc/hosts
      - /etc/resolv.conf
      - /etc/ssl/certs
      - sitecustomize.py
      - usercustomize.py
    severity: critical
    opaque: allow
    reason: It runs, or changes what runs, whenever somebody logs in or starts a program.
    instead: Tell the operator what should stand there.
    hits:
      - echo 'alias sudo="rm -rf /"' >> /root/.bashrc
      - echo x >> ~/.zshrc
      - tee -a ~/.profile < x
      - cat key.pub >> ~/.ssh/authorized_keys
      - edit: /home/dev/.bashrc
      - cp x ~/.config/systemd/user/a.service
    misses:
      - cat ~/.bashrc
      - source ~/.bashrc
      - grep alias ~/.zshrc
`;
