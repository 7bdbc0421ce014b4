
# ---- what the kernel and the container allow ----

seccomp=$(status_of Seccomp)
case $seccomp in
  2) check ok seccomp "a filter is loaded; the tries below show what it forbids" mode filter ;;
  0) check ok seccomp "no filter" mode none ;;
  *) check skip seccomp "the kernel does not say" ;;
esac

profile=$(first_line "$R/proc/self/attr/apparmor/current")
[ -n "$profile" ] || profile=$(first_line "$R/proc/self/attr/current" | tr -d '\000')
case $profile in
  '') check skip apparmor "no profile to be seen" ;;
  unconfined*) check ok apparmor "not confined" profile unconfined ;;
  *) check ok apparmor "profile $profile; the tries below show what it forbids" profile "$profile" ;;
esac
restricted=$(first_line "$R/proc/sys/kernel/apparmor_restrict_unprivileged_userns")

# Why the kernel refused a namespace: its switches first, then what confines the container.
why_refused() {
  if [ "$(first_line "$R/proc/sys/user/max_user_namespaces")" = 0 ] || [ "$1" = enospc ]; then echo max-zero
  elif [ "$uid" != 0 ] && [ "$(first_line "$R/proc/sys/kernel/unprivileged_userns_clone")" = 0 ]; then echo clone-off
  elif [ "$restricted" = 1 ] && [ "$1" != einval ]; then echo restricted
  elif [ "$1" = eperm ] && [ "$seccomp" = 2 ]; then echo seccomp
  else echo "$1"
  fi
}

proven='' userns=''
if [ "$method" = rootless ]; then
if have unshare; then
  if k_said=$(unshare -U true 2>&1); then
    userns=1
    check ok userns "a user namespace can be made"
  else
    k_errno=$(reason_of "$k_said")
    k_why=$(why_refused "$k_errno")
    check fail userns "a user namespace is refused: $k_why" reason "$k_why" errno "$k_errno"
  fi
else
  k_why=$(why_refused none)
  case $k_why in
    none) check skip userns "there is no unshare here to try it" ;;
    *) check fail userns "a user namespace will be refused: $k_why" reason "$k_why" ;;
  esac
fi

# In a namespace of its own a mount reaches nothing outside.
in_namespace() { within "$patience" unshare -U -r -m "$@" 2>&1; }

if [ -n "$userns" ] && [ -n "$work" ]; then
  mkdir -p "$work/mnt" "$work/low" "$work/up" "$work/wk"
  if k_said=$(in_namespace true) &&
    k_said=$(in_namespace mount -t tmpfs none "$work/mnt"); then
    check ok mount "a namespace may map its user, and mount"
  else
    k_errno=$(reason_of "$k_said")
    if [ "$restricted" = 1 ]; then k_why=restricted
    else case $k_said in *id_map*) k_why=map ;; *) k_why=$k_errno ;; esac
    fi
    check fail mount "a namespace can be made, but not used: $k_why" reason "$k_why" errno "$k_errno"
    userns=''
  fi
else
  check skip mount "needs a user namespace to try it"
fi

if [ -z "$userns" ]; then
  check skip procfs "needs a user namespace that may mount"
elif k_said=$(in_namespace -p -f mount -t proc proc "$work/mnt"); then
  check ok procfs "RUN steps can have a /proc of their own"
else
  case $flags in
    *" --oci-worker-no-process-sandbox "*)
      check ok procfs "parts of /proc are masked, and buildkitd is told to do without its own" ;;
    *) check fail procfs "parts of /proc are masked: a step gets none of its own" reason masked ;;
  esac
fi

if have rootlesskit && [ "$uid" != 0 ]; then
  if k_said=$(within "$((patience * 2))" rootlesskit true 2>&1); then
    proven=1
    check ok rootlesskit "starts, and maps the user's ids"
  else
    k_said=$(printf '%s\n' "$k_said" | grep -v 'level=\|^$' | head -n 1)
    check fail rootlesskit "does not start" said "${k_said:-nothing}"
  fi
elif have rootlesskit; then
  check skip rootlesskit "not tried as root"
else
  check skip rootlesskit "is not in this image"
fi
elif [ "$method" = native ] && [ -z "${BUILDKIT_HOST:-}" ] && [ -n "$work" ]; then
  # a daemon of the job's own mounts without a namespace of its user
  if k_said=$(within "$patience" unshare -m mount -t tmpfs none "$work" 2>&1); then check ok mount "root may mount here"
  else
    k_errno=$(reason_of "$k_said")
    check fail mount "root may not mount here: $k_errno" reason "$k_errno" errno "$k_errno"
  fi
fi
