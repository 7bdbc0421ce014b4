
# ---- which job, which container ----

uid=$(id -u)
user=$(id -un 2>/dev/null) || user=$uid
executor=''
if [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then executor=kubernetes
elif [ -e "$R/.dockerenv" ]; then executor=docker
fi
if [ -z "$method" ]; then
  if have rootlesskit; then method=rootless
  elif [ -n "${BUILDKIT_HOST:-}" ]; then method=native
  elif have buildkitd || have buildctl-daemonless.sh; then method=native
  elif have docker; then method=buildx
  else method=rootless
  fi
fi
printf 'bkdoctor preflight: %s build, uid %s%s, kernel %s, %s\n\n' \
  "$method" "$uid" "${executor:+, $executor executor}" "$(uname -r)" "$(uname -m)"
fact method "$method"
fact executor "$executor"
fact runner "${CI_RUNNER_VERSION:-}"
fact image "${CI_JOB_IMAGE:-}"
fact job "${CI_JOB_NAME:-}"
fact kernel "$(uname -r)"
have buildctl && fact buildkit "$(buildctl --version 2>/dev/null | sed -n 's/.* v\{0,1\}\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
have docker && fact docker "$(docker --version 2>/dev/null | sed -n 's/.*version \([0-9][0-9.]*\).*/\1/p' | head -n 1)"
flags=" ${BUILDKITD_FLAGS:-} "

# ---- variables ----

if [ "${GITLAB_CI:-}" = true ]; then
  for v_name in CI_REGISTRY CI_REGISTRY_IMAGE CI_REGISTRY_USER CI_REGISTRY_PASSWORD; do
    eval "v_value=\${$v_name:-}"
    # shellcheck disable=SC2154  # eval sets it
    [ -n "$v_value" ] || v_empty="${v_empty:-} $v_name"
  done
  if [ -n "${v_empty:-}" ]; then
    check warn ci-registry "without a value:$v_empty" reason empty variable "${v_empty# }"
  else
    check ok ci-registry "the project's registry and its credentials are in the variables"
  fi
fi
for v_name in $variables; do
  case $v_name in
    *[!A-Za-z0-9_]* | [0-9]*) check skip variable "no name of a variable: $v_name" variable "$v_name"; continue ;;
  esac
  eval "v_value=\${$v_name:-}"
  if [ -n "$v_value" ]; then check ok variable "$v_name has a value" variable "$v_name"
  else check fail variable "$v_name has no value" reason empty variable "$v_name"
  fi
done
v_value=''
