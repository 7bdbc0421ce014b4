
# ---- credentials: their form only; nothing of them is printed ----

if [ -z "$registries" ]; then
  registries="${CI_REGISTRY:-} ${CI_DEPENDENCY_PROXY_SERVER:-}"
  [ -n "${registries# }" ] || registries=docker.io
fi
a_seen=''
for a_name in $registries; do
  a_name=${a_name#*://}
  a_name=${a_name%%/*}
  a_name=${a_name##*@}
  case $a_name in '' | *[!A-Za-z0-9.:_-]*) continue ;; esac
  case " $a_seen " in *" $a_name "*) ;; *) a_seen="$a_seen $a_name" ;; esac
done
registries=$a_seen

# Whether a file is JSON, as far as brackets and strings tell: prints what is wrong.
json_fault() {
  awk '
    BEGIN { depth = 0; text = 0; skip = 0; fault = ""; seen = 0 }
    { if (text && fault == "") fault = "a line break in a string"
      n = length($0)
      for (i = 1; i <= n && fault == ""; i++) {
        c = substr($0, i, 1)
        if (skip) { skip = 0; continue }
        if (text) { if (c == "\\") skip = 1; else if (c == "\"") text = 0; continue }
        if (c ~ /[ \t\r]/) continue
        if (depth == 0 && (seen || c != "{")) { fault = seen ? "text behind its end" : "it does not begin with {"; break }
        seen = 1
        if (c == "\"") text = 1
        else if (c == "{" || c == "[") open[++depth] = c
        else if (c == "}" || c == "]") {
          if ((open[depth] == "{") != (c == "}")) fault = "a bracket that does not fit"
          else if (last == ",") fault = "a comma before a closing bracket"
          depth-- }
        else if (c !~ /[-+:,.A-Za-z0-9]/) fault = "a character that does not belong there"
        last = c } }
    END { if (fault == "" && !seen) fault = "it is empty"
      if (fault == "" && (depth || text)) fault = "it ends too early"
      print fault }' "$1"
}

# registry_entry HOST: how the file names it: a host, or Docker Hub by its old address.
registry_entry() {
  case $1 in docker.io | registry-1.docker.io) set -- "$1" index.docker.io ;; esac
  for a_key in "$@"; do
    for a_form in "\"$a_key\"" "\"https://$a_key\"" "\"https://$a_key/" "\"http://$a_key/"; do
      if grep -qF -e "$a_form" "$a_file"; then return 0; fi
    done
  done
  return 1
}

a_dir=${DOCKER_CONFIG:-${HOME:-}/.docker}
a_file=$a_dir/config.json
if [ ! -e "$a_file" ]; then
  check warn credentials "there is no $a_file yet: a later command has to write it" reason none path "$a_file"
  can_write "$a_dir" ||
    check fail credentials-dir "$a_dir can not be written" reason "not writable" path "${a_dir%/.docker}"
elif [ ! -r "$a_file" ]; then
  check fail credentials "$a_file can not be read by uid $uid" reason "not readable" path "$a_file"
else
  a_fault=$(json_fault "$a_file")
  if [ -n "$a_fault" ]; then
    check fail credentials "$a_file is no JSON: $a_fault" reason broken fault "$a_fault" path "$a_file"
  else
    check ok credentials "$a_file can be read" path "$a_file"
    a_text=$(tr -d '\n\t ' <"$a_file")
    case $a_text in *'"auth":"Og=="'* | *'"auth":""'*)
      check fail credentials-empty "an entry holds no user and no password" reason empty ;;
    esac
    a_helpers=$(printf '%s\n' "$a_text" | sed -n 's/.*"credsStore":"\([A-Za-z0-9._-]*\)".*/\1/p')
    a_helpers="$a_helpers $(printf '%s\n' "$a_text" | sed -n 's/.*"credHelpers":{\([^}]*\)}.*/\1/p' |
      tr ',' '\n' | sed -n 's/.*":"\([A-Za-z0-9._-]*\)"$/\1/p' | sort -u | tr '\n' ' ')"
    for a_helper in $a_helpers; do
      if have "docker-credential-$a_helper"; then
        check ok credential-helper "docker-credential-$a_helper is there" helper "$a_helper"
      else
        check fail credential-helper "docker-credential-$a_helper is not there" reason missing helper "$a_helper"
      fi
    done
    for a_name in $registries; do
      if registry_entry "$a_name"; then check ok login "there is an entry for $a_name" host "$a_name"
      elif [ -n "${a_helpers# }" ]; then check skip login "a helper may know $a_name" host "$a_name"
      else check warn login "no entry for $a_name: it is used without a login" reason none url "$a_name"
      fi
    done
    a_text=''
  fi
fi
