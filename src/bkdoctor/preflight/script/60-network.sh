
# ---- the network ----

proxy=${https_proxy:-${HTTPS_PROXY:-}}
n_except=${no_proxy:-${NO_PROXY:-}}
n_shown=${proxy#*://}
n_shown=${n_shown##*@}
if [ -n "$proxy" ]; then
  check ok proxy "$n_shown, but not for: ${n_except:-(nothing)}" host "$n_shown"
else
  check ok proxy "none is set"
fi

through_proxy() {
  [ -n "$proxy" ] || return 1
  for n_part in $(printf '%s' "$n_except" | tr ',' ' '); do
    n_part=${n_part#\*}
    case ${1%:*} in "${n_part#.}" | *."${n_part#.}") return 1 ;; esac
    [ "$n_part" != '' ] || return 1
  done
}

# Whether a name has an address: 1 if not, 2 if nothing here can tell.
resolves() {
  case $1 in
    *[!0-9.]*) ;;
    *) return 0 ;;
  esac
  if have getent; then within "$patience" getent hosts "$1" >/dev/null 2>&1 || return 1
  elif awk -v n="$1" '{ for (i = 2; i <= NF; i++) if ($i == n) found = 1 } END { exit !found }' /etc/hosts 2>/dev/null
  then return 0
  elif have nslookup; then within "$patience" nslookup "$1" >/dev/null 2>&1 || return 1
  else return 2
  fi
}

# What curl, wget, nc or openssl said of a connection, as one word.
network_reason() {
  case $1 in
    *"not resolve"* | *"bad address"* | *"unable to resolve"* | *"ame or service not known"* | *"emporary failure in name"* | *"getaddrinfo"* | *"BIO_lookup"*) echo dns ;;
    *"roxy tunneling failed"* | *"rom proxy"* | *"response 407"*) echo proxy ;;
    *"onnection refused"* | *"Could"*"connect to server"*) echo refused ;;
    *"wrong version number"* | *"packet length too long"* | *"http request"* | *"plain HTTP"*) echo plain-http ;;
    *"has expired"* | *"not yet valid"* | *"num=9:"* | *"num=10:"*) echo expired ;;
    *"ame mismatch"* | *"does not match"* | *"no alternative certificate"* | *"num=62:"* | *"num=64:"* | *"doesn't match"*) echo name ;;
    *"unable to get local issuer"* | *"self signed"* | *"self-signed"* | *"not trusted"* | *"ertificate verif"* | *"known issuer"* | *"unable to verify the first"* | *"cannot verify"*) echo unknown-authority ;;
    *imed\ out* | *imeout* | *terminated*) echo timeout ;;
    *"o route to host"* | *"nreachable"*) echo unreachable ;;
    *andshake* | *"SSL"* | *"TLS"* | *"tls"*) echo handshake ;;
    *) echo other ;;
  esac
}

# ask URL: prints what the server answered, its head at least; the status says whether it did.
ask() {
  if have curl; then
    q_said=$(curl -sS -I -X GET -m "$patience" "$1" 2>&1)
  elif have wget; then
    # busybox has -T and no -t; the time limit around it also ends the other's further tries
    q_said=$(within "$patience" wget -S -O /dev/null -T "$patience" "$1" 2>&1)
    case $? in 124 | 143) q_said="$q_said timed out" ;; esac
  else
    return 2
  fi
  printf '%s\n' "$q_said" | tr -d '\r'
  case $q_said in *HTTP/[12]*) return 0 ;; *) return 1 ;; esac
}

# tls HOST: what openssl finds wrong with the certificate, which busybox' wget may not look at.
tls_fault() {
  have openssl || return 0
  case $1 in *:*) t_at=$1 ;; *) t_at=$1:443 ;; esac
  t_said=$(within "$patience" openssl s_client -connect "$t_at" -servername "${1%:*}" -verify_hostname "${1%:*}" \
    -verify_return_error </dev/null 2>&1) || printf '%s\n' "$t_said"
}

# Whether there is an nc that only looks whether something listens.
nc_knocks() { have nc && nc -h 2>&1 | grep -q -e '-z'; }

# without_client HOST: what can be told of a registry that nothing here can ask.
without_client() {
  case $1 in *:*) w_host=${1%:*} w_port=${1##*:} ;; *) w_host=$1 w_port=443 ;; esac
  if have openssl && [ -z "$r_by" ]; then check ok registry "$1: a TLS connection comes about" host "$1"
  elif nc_knocks && [ -z "$r_by" ]; then
    if r_said=$(within "$patience" nc -z -w "$patience" "$w_host" "$w_port" 2>&1); then
      check ok registry "$1: something listens" host "$1"
    else
      r_why=$(network_reason "$r_said")
      # nc often says nothing where nothing listens
      [ "$r_why" != other ] || r_why=refused
      refused "$1" "$r_why"
    fi
  else check skip registry "$1: there is neither curl nor wget to ask it, nor openssl or nc -z" host "$1"
  fi
}

n_dated=''
# reach HOST: whether a registry answers, and its certificate is believed.
reach() {
  r_host=$1
  case $r_host in docker.io) r_host=registry-1.docker.io ;; esac
  r_by=''
  if through_proxy "$r_host"; then r_by=proxy
  else
    resolves "${r_host%:*}"
    if [ $? = 1 ]; then
      check fail registry "$r_host: no address for this name" reason dns host "${r_host%:*}"
      return
    fi
    r_said=$(tls_fault "$r_host")
    if [ -n "$r_said" ]; then
      r_why=$(network_reason "$r_said")
      [ "$r_why" = other ] || { refused "$r_host" "$r_why"; return; }
    fi
  fi
  r_said=$(ask "https://$r_host/v2/")
  case $? in
    2) without_client "$r_host"; return ;;
    1) r_why=$(network_reason "$r_said")
      [ -z "$r_by" ] || case $r_why in dns | refused | timeout | unreachable | proxy) r_why=proxy ;; esac
      refused "$r_host" "$r_why"; return ;;
  esac
  r_code=$(printf '%s\n' "$r_said" | sed -n 's|.*HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' | tail -n 1)
  r_date=$(printf '%s\n' "$r_said" | sed -n 's/^ *[Dd][Aa][Tt][Ee]: *//p' | head -n 1)
  case $r_code in
    2?? | 401 | 403) check ok registry "$r_host answers${r_by:+ through the proxy}" host "$r_host" status "$r_code" ;;
    407) refused "$r_host" proxy ;;
    5??) check fail registry "$r_host answers with status $r_code" reason server-error url "https://$r_host/v2/" status "$r_code" ;;
    *) check warn registry "$r_host answers with status $r_code, as no registry does" reason odd host "$r_host" status "$r_code" ;;
  esac
  if [ -z "$n_dated" ] && [ -n "$r_date" ]; then
    r_date=$(epoch "$r_date")
    [ -z "$r_date" ] || { n_dated=1; clock "$r_date" "$r_host"; }
  fi
}

refused() {
  case $2 in
    dns) r_text='no address for this name' ;;
    refused) r_text='nothing listens there' ;;
    timeout | unreachable) r_text='no answer' ;;
    plain-http) r_text='speaks plain HTTP' ;;
    expired) r_text='its certificate is not valid today' ;;
    name) r_text='its certificate is for another name' ;;
    unknown-authority) r_text='its certificate is of an authority that is not known here' ;;
    handshake) r_text='no TLS connection comes about' ;;
    proxy) r_text="the proxy $n_shown does not let it through" ;;
    *) r_text='no connection, for another reason' ;;
  esac
  if [ "$2" = other ]; then check warn registry "$1: $r_text" reason other host "$1"
  else
    case $1 in *:*) r_at=$1 ;; *) r_at=$1:443 ;; esac
    check fail registry "$1: $r_text" reason "$2" host "$1" address "$r_at"
  fi
}

for n_host in $registries; do reach "$n_host"; done

if [ -z "$n_dated" ] && [ -n "${CI_JOB_STARTED_AT:-}" ]; then
  n_start=$(epoch "$CI_JOB_STARTED_AT")
  # a job that began hours ago is no fault of the clock
  if [ -n "$n_start" ] && [ "$(date +%s)" -lt "$n_start" ]; then clock "$n_start" "the time at which GitLab began the job"
  else check ok clock "not before the time at which GitLab began the job"
  fi
elif [ -z "$n_dated" ]; then
  check skip clock "nothing here tells the time"
fi
