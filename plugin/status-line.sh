# One line for Claude Code's status line, as the session's door tells it: bash alone, no other program. $HOLDFAST_DOOR is its address; else the first
# argument. Claude Code's own description of the session, on standard input, is not read.
LC_ALL=C
exec 2>/dev/null </dev/null
door=${1:-$HOLDFAST_DOOR}
place=${door#http://127.0.0.1:}
if [[ $place =~ ^[0-9]{1,5}$ ]] && exec 3<>"/dev/tcp/127.0.0.1/$place"; then
  printf 'GET /v1/status-line HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$place" >&3
  IFS= read -r -t 5 status <&3
  while IFS= read -r -t 5 line <&3 && [ "$line" != $'\r' ]; do :; done
  IFS= read -r -t 5 -n 256 line <&3
  if [[ $status == *' 200 '* && -n $line ]]; then
    printf '%s\n' "$line"
    exit
  fi
fi
printf 'Holdfast does not answer\n'
