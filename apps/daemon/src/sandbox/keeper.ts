// Ends a bwrap and all that came of it when the daemon is gone, at whatever moment that is. spec/sandbox.md [SANDBOX-12], THREAT_MODEL S-7.
//
// Death signals from link to link are not enough: bwrap makes process 1 inside, then arms its own, and then gives process 1 leave to
// begin. Killed in between, it leaves a process that waits for ever and that nothing is bound to. So the chain begins with a shell
// that has a second one beside bwrap, which outlives the daemon by a moment and kills the whole session, in the kernel's sense of the word:
// whatever bwrap has made so far belongs to it from its first instruction on, or lives in a namespace that ends with one that does.

/** What the lifeline is called in the child. A small shell can name ten descriptors and no more. */
export type LifelineDescriptor = 3 | 4 | 5 | 6 | 7 | 8 | 9;

/**
 * Nobody writes to the lifeline: it ends with the daemon, or when the daemon closes it. Only a session that begins with this shell, or with
 * the one that waits for it, is the chain's own. It lives on as long as the watcher does, so its number means no other meanwhile.
 * What comes after the last bracket of `stat` is state, parent, group, session. The first to be killed is the shell that would end the watcher when
 * bwrap ends: numbers come round, so bwrap may be met before it.
 */
const text = (lifeline: LifelineDescriptor): string => `
trap '' HUP
{
  exec >/dev/null 2>&1
  read -r _ <&${lifeline}
  read -r own </proc/self/stat
  self=\${own%% *}
  set -- \${own##*) }
  session=$4
  [ "$session" = $$ ] || [ "$session" = $PPID ] || exit
  kill -9 $$
  left=yes
  while [ -n "$left" ]; do
    left=
    for stat in /proc/[0-9]*/stat; do
      read -r line <"$stat" || continue
      set -- \${line##*) }
      if [ "$4" = "$session" ] && [ "$1" != Z ] && [ "\${line%% *}" != "$self" ]; then
        left=yes
        kill -9 "\${line%% *}"
      fi
    done
    [ -z "$left" ] || sleep 0.02
  done
} &
watcher=$!
"$@" ${lifeline}<&-
code=$?
exec 2>/dev/null
kill -9 $watcher
wait $watcher
exit $code`;

/**
 * The words that start `bwrap`, the program and its arguments, and exit as it does. They must begin a session, or be what the shell that does
 * waits for. Nothing of them is left when they have exited.
 */
export function kept(sh: string, lifeline: LifelineDescriptor, bwrap: readonly string[]): string[] {
  return [sh, '-c', text(lifeline), 'holdfast-keeper', ...bwrap];
}
