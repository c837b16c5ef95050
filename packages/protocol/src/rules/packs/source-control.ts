// History that others build on, work that is not committed yet.

export const sourceControl = String.raw`
rules:
  force-push:
    deny: shell
    command: git push
    any:
      - flags: --force|-f
      - flags: --force-with-lease|--force-if-includes
      - flags: --mirror
      - args: '+*'
    severity: critical
    reason: It rewrites what others have pulled already.
    instead: Push a new commit, or a new branch.
    hits:
      - git push -f
      - git push --force origin main
      - git push --forc
      - git push origin +main
      - git push origin HEAD -f
      - git push --force-with-lease
      - git -C . push -f
      - git -c user.name=x push --force
      - git --no-pager push -uf origin main
      - sudo git push -f
    misses:
      - git push origin main
      - git push -u origin feature/force
      - 'git commit -m "git push --force is forbidden"'
      - git push --follow-tags

  delete-remote:
    deny: shell
    command: git push
    any:
      - flags: --delete|-d
      - args: ':?*'
    severity: high
    reason: It deletes a branch or tag that others may use.
    instead: Ask the operator to delete it.
    hits:
      - git push origin --delete old
      - git push -d origin old
      - git push origin :old
    misses:
      - git push origin main:main

  discard-work:
    deny: shell
    any:
      - command: git reset
        flags: --hard|--merge|--keep
      - command: git checkout
        flags: --force|-f
      - command: git checkout
        args: ['.', './', ':/', './\*', '\*']
      - command: git switch
        flags: --force|-f|--discard-changes
      - command: git restore
        flags: --worktree|-W
      - command: git read-tree
        flags: --reset
      - command: git rm
        flags: --force|-f
        args: ['.', './', ':/', './\*', '\*']
    severity: high
    reason: It throws away changes that are not committed.
    instead: Commit or stash them first; git reset without --hard keeps them.
    hits:
      - git reset --hard
      - git reset --hard HEAD~5
      - git reset HEAD~1 --hard
      - git -C sub reset --har
      - sudo git reset --hard
      - env GIT_DIR=.git git reset --hard
      - git checkout .
      - git checkout -f main
      - git rm -rf .
    misses:
      - git rm -f old.txt
      - git rm --cached .env
      - git reset --soft HEAD~1
      - git reset HEAD~1
      - git checkout -b feature/one
      - git checkout main
      - 'echo "git reset --hard"'

  discard-files:
    deny: shell
    command: git restore
    unless:
      - flags: --patch|-p
      - flags: --staged|-S
      - flags: --help|-h
    severity: high
    opaque: allow
    reason: It throws away changes of these files that are not committed.
    instead: Look with git diff, then commit or stash what is there.
    hits:
      - git restore src/a.ts
      - git restore --source HEAD~1 a
    misses:
      - git restore --staged file.txt

  discard-paths:
    deny: shell
    command: git checkout
    flags: '--'
    severity: high
    opaque: allow
    reason: It throws away changes of these files that are not committed.
    instead: Look with git diff, then commit or stash what is there.
    hits:
      - git checkout -- src/a.ts
      - git checkout HEAD -- .
    misses:
      - git checkout main

  clean:
    deny: shell
    command: git clean
    unless:
      - flags: --dry-run|-n
      - flags: --help|-h
      - flags: --interactive|-i
    severity: high
    opaque: allow
    reason: It removes files that git never saw, so nothing brings them back.
    instead: Look with git clean -n, then remove files by name.
    hits:
      - git clean -fd
      - git clean -fdx
      - git clean -xdf
      - git clean --force -d
      - git -c clean.requireForce=false clean
    misses:
      - git clean -n
      - git clean --dry-run -d

  stash-lost:
    deny: shell
    command: git stash drop|clear
    severity: high
    reason: It throws away stashed work.
    instead: Leave it, or apply it first.
    hits:
      - git stash drop
      - git stash clear
      - git -C . stash drop
    misses:
      - git stash
      - git stash pop
      - git stash list

  stash:
    warn: shell
    command: git stash
    unless:
      - command: git stash list|show|pop|apply|branch
    severity: low
    reason: Stashes are shared by all work trees and easily forgotten.
    instead: Commit to a branch of your own.
    hits:
      - git stash
      - git -C . stash
      - git stash push -m x
    misses:
      - git stash list

  delete-branch:
    deny: shell
    any:
      - command: git branch
        flags: -D
      - command: git branch
        flags: [--delete|-d, --force|-f]
      - command: git worktree remove
        flags: --force|-f
      - command: git submodule deinit
        flags: --force|-f
    severity: medium
    opaque: allow
    reason: It deletes a branch or work tree with work that may be nowhere else.
    instead: git branch -d deletes only what is merged.
    hits:
      - git branch -D feature-branch
      - git branch --delete --force x
      - git branch -df x
    misses:
      - git branch -d merged-branch
      - git branch -a

  delete-refs:
    ask: shell
    any:
      - command: git tag
        flags: --delete|-d
      - command: git update-ref
        flags: -d
      - command: git symbolic-ref
        flags: -d|--delete
      - command: git remote remove|rm
      - command: git push
        flags: --prune
      - command: git replace|prune
      - command: git checkout-index
        flags: --force|-f
    severity: low
    opaque: allow
    reason: It deletes names in the repository.
    hits:
      - git tag -d v1
      - git remote remove origin
    misses:
      - git tag v1

  rewrite-history:
    deny: shell
    any:
      - command: git filter-branch|filter-repo
      - command: git-filter-repo|bfg
      - command: git reflog expire|delete
      - command: git gc
        flags: --prune=now
      - command: git gc
        flags: --prune=all
      - command: git rebase
        flags: --root
    unless:
      - flags: --dry-run|-n|--help|-h
    severity: high
    opaque: allow
    reason: It rewrites or destroys history for good.
    instead: Make a new commit.
    hits:
      - git filter-branch --all
      - git reflog expire --expire=now --all
      - git gc --prune=now --aggressive
    misses:
      - git gc
      - git reflog

  repository-removed:
    deny: shell
    command:
      - gh repo delete|archive
      - glab repo delete
      - hub delete
    severity: critical
    opaque: allow
    reason: It deletes a repository at the forge.
    instead: Ask the operator.
    hits:
      - gh repo delete me/x --yes
    misses:
      - gh repo view
      - gh pr create --title "delete the repo"

  forge-removed:
    ask: shell
    command:
      - gh release delete|delete-asset
      - gh secret delete|remove|set
      - gh variable delete
      - gh ssh-key delete|add
      - gh gpg-key delete|add
      - gh gist delete
      - gh run delete
      - gh cache delete
      - gh codespace delete
      - gh label delete
      - gh issue delete|transfer
      - gh repo rename|edit
      - glab release delete
    severity: medium
    opaque: allow
    reason: It deletes or changes something at the forge.
    hits:
      - gh release delete v1
    misses:
      - gh release list

  forge-api:
    deny: shell
    any:
      - command: gh api
        flags: --method=DELETE|-X=DELETE
      - command: gh api
        flags: -XDELETE
      - command: gh pr merge
        flags: --admin
      - command: curl
        flags: --request=DELETE|-X=DELETE
        hosts: [api.github.com, gitlab.com, '*.gitlab.com', api.bitbucket.org]
    severity: high
    opaque: allow
    reason: It deletes at the forge, or passes by its protections.
    instead: Ask the operator.
    hits:
      - gh api -X DELETE repos/me/x
      - gh api --method=DELETE repos/me/x
      - gh pr merge 3 --admin
      - curl -X DELETE https://api.github.com/repos/me/x
    misses:
      - gh api repos/me/x
      - gh pr merge 3 --squash
`;
