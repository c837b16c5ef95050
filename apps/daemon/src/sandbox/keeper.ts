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
 * the one that waits for it, is the chain's own. It lives on as long as who sweeps it does, so its number means no other meanwhile.
 *
 * The watcher leaves the first shell, which ends when bwrap does: two that kill each other would both be gone too early. And a bwrap that was killed,
 * or failed by itself, may have left what nobody is bound to: the first shell ends the watcher and sweeps then, but for who waits for it.
 * What comes after the last bracket of `stat` is state, parent, group, session.
 */
const text = (lifeline: LifelineDescriptor): string => `
trap '' HUP
look() {
  number=\${1%% *}
  set -- \${1##*) }
  state=$1
  session=$4
}
sweep() {
  left=yes
  while [ -n "$left" ]; do
    left=
    for stat in /proc/[0-9]*/stat; do
      read -r line <"$stat" || continue
      look "$line"
      [ "$session" = "$ours" ] && [ "$state" != Z ] && [ "$number" != "$1" ] && [ "$number" != "$2" ] || continue
      left=yes
      kill -9 "$number"
    done
    [ -z "$left" ] || sleep 0.02
  done
}
read -r line </proc/self/stat
look "$line"
ours=$session
[ "$ours" = $$ ] || [ "$ours" = $PPID ] || exit 125
{
  exec >/dev/null 2>&1
  read -r _ <&${lifeline}
  read -r line </proc/self/stat
  look "$line"
  sweep "$number" $$
} &
watcher=$!
"$@" ${lifeline}<&-
code=$?
exec 2>/dev/null
kill -9 $watcher
wait $watcher
[ $code = 0 ] || sweep $$ $PPID
exit $code`;

/**
 * The words that start `bwrap`, the program and its arguments, and exit as it does. They must begin a session, or be what the shell that does
 * waits for. Nothing of them is left when they have exited.
 */
export function kept(sh: string, lifeline: LifelineDescriptor, bwrap: readonly string[]): string[] {
  return [sh, '-c', text(lifeline), 'holdfast-keeper', ...bwrap];
}
