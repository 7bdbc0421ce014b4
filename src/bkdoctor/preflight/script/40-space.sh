
# ---- disk, memory, clock ----

s_dir=$(there "${state:-${u_home:-/}}")
s_seen=''
for s_place in "$s_dir" "${CI_PROJECT_DIR:-.}" "${TMPDIR:-/tmp}"; do
  s_line=$(df -P -k "$s_place" 2>/dev/null | tail -n 1)
  s_mount=${s_line##* }
  case "$s_seen " in *" $s_mount "*) continue ;; esac
  s_seen="$s_seen $s_mount"
  s_free=$(printf '%s\n' "$s_line" | awk '{ print $(NF - 2) }')
  case $s_free in
    '' | *[!0-9]*) check skip disk "df does not tell how much is free in $s_place"; continue ;;
  esac
  s_text="$((s_free / 1024)) MiB are free in $s_place"
  if [ "$s_free" -lt 262144 ]; then check fail disk "$s_text" reason full free "${s_free}k" path "$s_place"
  elif [ "$s_free" -lt 2097152 ]; then check warn disk "$s_text" reason low free "${s_free}k" path "$s_place"
  else check ok disk "$s_text" free "${s_free}k" path "$s_place"
  fi
  # file systems without a table of inodes say 0 or -
  s_nodes=$(df -P -i "$s_place" 2>/dev/null | tail -n 1 | awk '$(NF - 4) > 0 { print $(NF - 2) }')
  case $s_nodes in
    '' | *[!0-9]*) ;;
    *) if [ "$s_nodes" -lt 1000 ]; then
        check fail inodes "only $s_nodes files more can be made in $s_place" reason full path "$s_place"
      else
        check ok inodes "$s_nodes files more can be made in $s_place" path "$s_place"
      fi ;;
  esac
done

s_limit=$(first_line "$R/sys/fs/cgroup/memory.max")
[ -n "$s_limit" ] || s_limit=$(first_line "$R/sys/fs/cgroup/memory/memory.limit_in_bytes")
case $s_limit in
  '' | max | *[!0-9]* | ????????????????*) check ok memory "no limit of the container's own" ;;
  *) if [ "$s_limit" -lt 536870912 ]; then
      check warn memory "the limit is $((s_limit / 1048576)) MiB, which is little for a build" reason low limit "$s_limit"
    else
      check ok memory "the limit is $((s_limit / 1048576)) MiB" limit "$s_limit"
    fi ;;
esac

# Seconds since 1970 of `2026-11-29T09:00:00Z` or `Sun, 29 Nov 2026 09:00:00 GMT`.
epoch() {
  printf '%s\n' "$1" | tr -s 'TZ:,' '    ' | awk '
    { if ($1 ~ /-/) { split($1, d, "-"); y = d[1]; m = d[2]; a = d[3]; t = 2 }
      else { y = $4; a = $2; t = 5; m = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $3) + 2) / 3 }
      if (y < 1970 || m < 1 || m != int(m)) exit
      if (m < 3) { y--; m += 12 }
      printf "%.0f\n", (365*y + int(y/4) - int(y/100) + int(y/400) + int((153*m - 457)/5) + a - 719469) * 86400 \
        + $t*3600 + $(t+1)*60 + $(t+2) }'
}

# clock SECONDS-SINCE-1970 SOURCE: compares this machine's clock.
clock() {
  t_off=$(($(date +%s) - $1))
  if [ "$t_off" -gt 86400 ] || [ "$t_off" -lt -86400 ]; then
    check fail clock "$t_off seconds off $2" reason "off by $t_off seconds"
  elif [ "$t_off" -gt 300 ] || [ "$t_off" -lt -300 ]; then
    check warn clock "$t_off seconds off $2" reason "off by $t_off seconds"
  else
    check ok clock "agrees with $2"
  fi
}
