
# ---- daemons that the job talks to ----

# connects HOST PORT: whether something listens; a service of the job may need a moment.
connects() {
  d_left=5
  while :; do
    if nc_knocks; then d_said=$(within 3 nc -z -w 2 "$1" "$2" 2>&1) && return 0
    elif have curl; then
      d_said=$(curl -sS -o /dev/null -m 3 "http://$1:$2/" 2>&1) && return 0
      # it answered, in words that are not HTTP
      case $d_said in *"Empty reply"* | *"HTTP/0.9"* | *eset* | *"Failure when receiving"*) return 0 ;; esac
    elif have wget; then
      d_said=$(within 3 wget -O /dev/null "http://$1:$2/" 2>&1) && return 0
      case $(network_reason "$d_said") in dns | refused | timeout | unreachable) ;; *) return 0 ;; esac
    else return 2
    fi
    d_left=$((d_left - 1))
    [ "$d_left" -gt 0 ] && [ "$patience" -ge 5 ] || return 1
    sleep 1
  done
}

# daemon NAME ADDRESS: tries unix://PATH or tcp://HOST:PORT.
daemon() {
  d_name=$1 d_at=$2
  case $d_at in
    unix://*)
      d_path=${d_at#unix://}
      if [ ! -S "$d_path" ]; then check fail "$d_name" "there is no socket $d_path" reason none endpoint "$d_at"
      elif [ ! -w "$d_path" ]; then check fail "$d_name" "uid $uid may not use $d_path" reason forbidden endpoint "$d_at"
      else check ok "$d_name" "the socket $d_path is there" endpoint "$d_at"
      fi ;;
    tcp://*)
      d_rest=${d_at#tcp://}
      d_rest=${d_rest%%/*}
      d_host=${d_rest%:*} d_port=${d_rest##*:}
      resolves "$d_host"
      if [ $? = 1 ]; then
        check fail "$d_name" "no address for the name $d_host" reason unresolved service "$d_host" endpoint "$d_at"
        return
      fi
      connects "$d_host" "$d_port"
      case $? in
        0) check ok "$d_name" "something listens at $d_rest" endpoint "$d_at" ;;
        2) check skip "$d_name" "there is no nc, curl or wget to try $d_rest" endpoint "$d_at" ;;
        *) check fail "$d_name" "nothing listens at $d_rest" reason none endpoint "$d_at" ;;
      esac ;;
    *) check skip "$d_name" "an address of another kind: $d_at" endpoint "$d_at" ;;
  esac
}

[ -z "${BUILDKIT_HOST:-}" ] || daemon buildkitd "$BUILDKIT_HOST"
if [ -n "${DOCKER_HOST:-}" ]; then daemon docker "$DOCKER_HOST"
elif [ "$method" = buildx ]; then daemon docker unix:///var/run/docker.sock
fi
if [ -n "${DOCKER_TLS_VERIFY:-}" ]; then
  d_certs=${DOCKER_CERT_PATH:-${HOME:-}/.docker}
  d_lacks=''
  for d_file in ca.pem cert.pem key.pem; do [ -r "$d_certs/$d_file" ] || d_lacks=${d_lacks:-$d_certs/$d_file}; done
  if [ -n "$d_lacks" ]; then check fail docker-tls "there is no $d_lacks" reason none file "$d_lacks"
  else check ok docker-tls "the client's certificates are in $d_certs"
  fi
fi

complete=1
}

main "$@" </dev/null
