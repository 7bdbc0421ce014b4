#!/bin/sh
# Checks whether this job's container has what a rootless BuildKit build needs, and changes nothing.
# Written by `bkdoctor preflight`; `bkdoctor preflight --read LOG` explains what it prints.
# Any POSIX shell will do, busybox included; of other programs it uses those that are there.
#
# It always ends with 0, unless BKDOCTOR_PREFLIGHT_STRICT=1: then with 1 if a check failed.
# BKDOCTOR_PREFLIGHT_REGISTRIES  hosts to try, separated by blanks; left out, GitLab's registry and dependency proxy
# BKDOCTOR_PREFLIGHT_VARIABLES   names of CI/CD variables that must have a value
# BKDOCTOR_PREFLIGHT_METHOD      rootless, native or buildx; left out, what the image holds decides
# BKDOCTOR_PREFLIGHT_TIMEOUT     seconds to wait for one answer of the network; left out, 10
# BKDOCTOR_PREFLIGHT_ROOT        a folder that stands for / where files are only read; for tests

main() {
R=${BKDOCTOR_PREFLIGHT_ROOT:-}
strict=${BKDOCTOR_PREFLIGHT_STRICT:-}
registries=${BKDOCTOR_PREFLIGHT_REGISTRIES:-}
variables=${BKDOCTOR_PREFLIGHT_VARIABLES:-}
method=${BKDOCTOR_PREFLIGHT_METHOD:-}
patience=${BKDOCTOR_PREFLIGHT_TIMEOUT:-10}
LC_ALL=C
export LC_ALL
set -f
machine='' problems=''
total=0 passed=0 warned=0 failed=0 skipped=0
newline='
'
work=$(mktemp -d 2>/dev/null) || work=''
trap finish EXIT
trap 'exit 1' HUP INT TERM

# ---- what is printed ----

# A value without blanks and control characters, so that a line is words; no two values make one line the same.
encoded() {
  printf '%s' "$1" | tr '\t\n\r' '   ' | cut -c 1-300 |
    sed -e 's/%/%25/g' -e 's/ /%20/g' -e 's/[^]%A-Za-z0-9._:/@,+=(){}"<>*[-]/?/g' \
      -e 's/\[/%5B/g' -e 's/]/%5D/g' -e 's/"/%22/g'
}

fact() { [ -z "$2" ] || machine="$machine${newline}bkdoctor-preflight/1 fact $1=$(encoded "$2")"; }

# check STATUS NAME SENTENCE [KEY VALUE]...
check() {
  c_status=$1 c_name=$2 c_text=$3
  shift 3
  c_line="bkdoctor-preflight/1 $c_status $c_name"
  while [ $# -gt 1 ]; do
    [ -z "$2" ] || c_line="$c_line $1=$(encoded "$2")"
    shift 2
  done
  machine="$machine$newline$c_line"
  total=$((total + 1))
  case $c_status in
    ok) passed=$((passed + 1)) c_word='ok  ' ;;
    warn) warned=$((warned + 1)) c_word='WARN' ;;
    fail) failed=$((failed + 1)) c_word='FAIL' problems="$problems $c_name" ;;
    *) skipped=$((skipped + 1)) c_word='-   ' ;;
  esac
  printf '  %s  %-16s %s\n' "$c_word" "$c_name" "$c_text"
}

finish() {
  c_end=$?
  trap - EXIT HUP INT TERM
  [ -z "$work" ] || rm -rf "$work"
  printf '\n'
  if [ "${complete:-}" != 1 ]; then
    printf 'The preflight was stopped: %s checks were done.\n' "$total"
  elif [ "$failed" = 0 ]; then
    printf 'All is well: %s checks passed, %s to mind, %s not done.\n' "$passed" "$warned" "$skipped"
  else
    printf '%s of %s checks say that a build does not work here:%s\n' "$failed" "$total" "$problems"
  fi
  [ "$failed$warned" = 00 ] || printf 'What to do: bkdoctor preflight --read, with this log.\n'
  printf '\nbkdoctor-preflight/1 begin%s\n' "$machine"
  [ "${complete:-}" != 1 ] ||
    printf 'bkdoctor-preflight/1 end checks=%s ok=%s warn=%s fail=%s skip=%s\n' \
      "$total" "$passed" "$warned" "$failed" "$skipped"
  if [ "${complete:-}" != 1 ] && [ "$c_end" != 0 ] && [ "$strict" = 1 ]; then exit "$c_end"; fi
  if [ "$strict" = 1 ] && [ "$failed" != 0 ]; then exit 1; fi
  exit 0
}

# ---- what all checks use ----

have() { command -v "$1" >/dev/null 2>&1; }
first_line() { [ ! -r "$1" ] || head -n 1 "$1" 2>/dev/null; }
status_of() { sed -n "s/^$1:[[:space:]]*//p" "$R/proc/self/status" 2>/dev/null | head -n 1; }

# shellcheck disable=SC2012  # a number needs no parsing, and stat(1) is not everywhere
owner_of() { ls -nd "$1" | awk '{ print $3 }'; }

# A path, or the nearest one above it that is there.
there() {
  w_path=$1
  while [ ! -e "$w_path" ] && [ "$w_path" != / ] && [ "$w_path" != . ]; do w_path=$(dirname "$w_path"); done
  printf '%s\n' "$w_path"
}

# Whether a file can be made in a directory, or in the nearest one above it that is there.
can_write() {
  w_dir=$(there "$1")
  w_file=$w_dir/.bkdoctor-preflight.$$
  if [ -d "$w_dir" ] && (: >"$w_file") 2>/dev/null; then rm -f "$w_file"; else return 1; fi
}

# Runs a command for at most so many seconds, where `timeout` is there.
within() {
  n_seconds=$1
  shift
  if have timeout; then timeout "$n_seconds" "$@"; else "$@"; fi
}

# What the kernel or a program said, as one word.
reason_of() {
  case $1 in
    *"Operation not permitted"* | *"operation not permitted"*) echo eperm ;;
    *"Permission denied"* | *"permission denied"*) echo eacces ;;
    *"No space left"* | *"no space left"*) echo enospc ;;
    *"Invalid argument"* | *"invalid argument"*) echo einval ;;
    *"No such device"* | *"no such device"*) echo enodev ;;
    *"not implemented"*) echo enosys ;;
    *) echo other ;;
  esac
}
