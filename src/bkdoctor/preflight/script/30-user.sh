
# ---- the user, and the ids it may map ----

case $method in
  rootless)
    if [ "$uid" = 0 ] && have rootlesskit; then
      check fail user "runs as root: the rootless image is made for uid 1000" reason root state /var/lib/buildkit
    elif [ "$user" = "$uid" ]; then
      check warn user "uid $uid has no name in /etc/passwd" reason nameless user "$uid"
    else
      check ok user "$user, uid $uid" user "$user"
    fi ;;
  *) check ok user "$user, uid $uid" user "$user" ;;
esac

# What a try with rootlesskit has shown to work is at most worth a word.
worst=fail
[ -z "$proven" ] || worst=warn

if [ "$method" = rootless ] && have rootlesskit && [ "$uid" != 0 ]; then
  for u_name in newuidmap newgidmap; do
    u_path=$(command -v "$u_name" 2>/dev/null) || u_path=''
    if [ -z "$u_path" ]; then
      check "$worst" "$u_name" "is not installed" reason missing helper "$u_name"
    elif [ -u "$u_path" ]; then
      check ok "$u_name" "is there, and setuid"
    elif have getcap && [ -z "$(getcap "$u_path" 2>/dev/null)" ]; then
      check "$worst" "$u_name" "is neither setuid nor has file capabilities" reason powerless
    else
      check ok "$u_name" "is there"
    fi
  done
  case $(status_of NoNewPrivs) in
    1) check "$worst" no-new-privs "setuid helpers are without effect: no_new_privs is set" reason set ;;
    0) check ok no-new-privs "helpers may gain rights" ;;
    *) check skip no-new-privs "the kernel does not say" ;;
  esac
  u_caps=$(status_of CapBnd | sed 's/.*\(..\)$/\1/')
  if [ -z "$u_caps" ]; then check skip capabilities "the kernel does not say"
  elif [ $((0x$u_caps & 0xC0)) = $((0xC0)) ]; then check ok capabilities "SETUID and SETGID may be had"
  else check "$worst" capabilities "SETUID or SETGID is dropped from the container" reason dropped
  fi
  for u_file in subuid subgid; do
    u_count=$(awk -F: -v n="$user" -v i="$uid" '$1 == n || $1 == i { sum += $3 } END { printf "%.0f\n", sum }' \
      "$R/etc/$u_file" 2>/dev/null)
    # the ids that this container itself was given
    u_there=$(awk '{ sum += $3 } END { printf "%.0f\n", sum }' "$R/proc/self/uid_map" 2>/dev/null)
    if [ "${u_count:-0}" = 0 ]; then
      check "$worst" "$u_file" "no range for $user" reason none user "$user"
    elif [ "${u_there:-0}" -gt 0 ] && [ "$u_count" -ge "$u_there" ]; then
      check "$worst" "$u_file" "$u_count ids for $user, but this container holds only $u_there" reason outside
    elif [ "$u_count" -lt 65536 ]; then
      check warn "$u_file" "only $u_count ids for $user; layers hold owners up to 65535" reason small count "$u_count"
    else
      check ok "$u_file" "$u_count ids for $user" count "$u_count"
    fi
  done
fi

# ---- directories ----

u_home=${HOME:-}
if [ -n "$u_home" ] && can_write "$u_home"; then check ok home "$u_home can be written" path "$u_home"
else check fail home "${u_home:-HOME} can not be written" reason unwritable path "${u_home:-HOME}"
fi
state=''
if [ "$method" = rootless ] && [ "$uid" != 0 ]; then
  state=${XDG_DATA_HOME:-$u_home/.local/share}/buildkit
  state_there=$(there "$state")
  if ! can_write "$state"; then check fail state "$state can not be written" reason unwritable state "$state"
  else
    u_mount=$(df -P "$state_there" 2>/dev/null | tail -n 1)
    u_mount=$(awk -v m="${u_mount##* }" '$2 == m { found = $4 } END { print "," found "," }' "$R/proc/self/mounts" 2>/dev/null)
    case $u_mount in
      *,nosuid,*nodev,* | *,nodev,*nosuid,*)
        check warn state "$state lies on a mount with nosuid and nodev, where layers may not unpack" \
          reason nosuid state "$state" ;;
      *) check ok state "$state can hold layers" state "$state" ;;
    esac
  fi
  u_run=${XDG_RUNTIME_DIR:-}
  if [ -z "$u_run" ]; then
    if have rootlesskit; then check fail runtime-dir "XDG_RUNTIME_DIR has no value" reason unset
    else check skip runtime-dir "XDG_RUNTIME_DIR has no value, and no rootlesskit is here that wants one"
    fi
  elif ! can_write "$u_run"; then
    check fail runtime-dir "$u_run can not be written" reason unwritable dir "$u_run"
  elif [ -d "$u_run" ] && [ "$(owner_of "$u_run")" != "$uid" ]; then
    check warn runtime-dir "$u_run belongs to another user" reason foreign dir "$u_run"
  else
    check ok runtime-dir "$u_run can be written" dir "$u_run"
  fi
fi

# ---- how layers are put together ----

if [ "$method" = rootless ]; then
  o_fuse=''
  if [ -r "$R/dev/fuse" ] && [ -w "$R/dev/fuse" ] && have fuse-overlayfs; then o_fuse=1; fi
  # where the state lies, not in /tmp: overlay cannot lie upon overlay
  o_base=''
  [ -z "$state" ] || o_base=$state_there
  o_dir=''
  [ -z "$userns" ] || [ -z "$o_base" ] || o_dir=$(mktemp -d "$o_base/.bkdoctor-preflight.XXXXXX" 2>/dev/null) || o_dir=''
  case $flags in
    *snapshotter=native*) o_wanted=native ;;
    *snapshotter=fuse-overlayfs*) o_wanted=fuse ;;
    *snapshotter=overlayfs*) o_wanted=overlay ;;
    *) o_wanted=auto ;;
  esac
  if [ "$o_wanted" = native ]; then
    check ok overlay "not needed: buildkitd is told to copy"
  elif [ "$o_wanted" = fuse ]; then
    if [ -n "$o_fuse" ]; then check ok overlay "fuse-overlayfs and /dev/fuse are there"
    else check fail overlay "buildkitd is told to use fuse-overlayfs, which lacks its program or /dev/fuse" reason fuse
    fi
  elif [ -z "$o_dir" ]; then
    check skip overlay "needs a user namespace, and a place for layers"
  else
    mkdir "$o_dir/l" "$o_dir/u" "$o_dir/w" "$o_dir/m"
    # shellcheck disable=SC2016  # the inner shell expands it
    if o_said=$(in_namespace sh -c 'mount -t overlay -o "lowerdir=$1/l,upperdir=$1/u,workdir=$1/w,userxattr" overlay "$1/m" && : >"$1/m/file"' sh "$o_dir"); then
      check ok overlay "overlayfs works below $o_base"
    elif [ -n "$o_fuse" ]; then
      check ok overlay "overlayfs is refused, fuse-overlayfs will do"
    elif [ "$o_wanted" = overlay ]; then
      check fail overlay "overlayfs is refused below $o_base" reason "$(reason_of "$o_said")" dir "$o_base"
    else
      check warn overlay "overlayfs is refused below $o_base: BuildKit will copy whole layers" reason slow dir "$o_base"
    fi
    # overlayfs leaves a folder of which its maker's namespace was the owner
    in_namespace rm -rf "$o_dir" >/dev/null; rm -rf "$o_dir" 2>/dev/null
  fi
fi

if [ -r "$R/sys/fs/cgroup/cgroup.controllers" ]; then
  if [ -w "$R/sys/fs/cgroup/cgroup.procs" ]; then check ok cgroup "version 2, may be written"
  else check ok cgroup "version 2, read-only: steps run without limits of their own"
  fi
elif [ -d "$R/sys/fs/cgroup/memory" ]; then check ok cgroup "version 1"
else check warn cgroup "no control groups are mounted" reason none
fi
