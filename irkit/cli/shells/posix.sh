# Names of a kind: those that irkit ships, and the user's own.
_irkit_names() {
  local top shipped file home="${IRKIT_HOME:-$HOME/.irkit}"
  _irkit_shipped "$1"
  printf '%s\n' $shipped
  for file in "$home/$top"/*.yaml "$home/$top"/*/*.yaml; do
    if [ -f "$file" ]; then
      file="${file##*/}"
      printf '%s\n' "${file%.yaml}"
    fi
  done
}

# What may stand in the place of the first argument after the others; sets kind.
_irkit_find() {
  local current="$1" command= taken= word at=0 subs places options
  shift
  _irkit_about ''
  for word in "$@"; do
    if [ -n "$taken" ]; then
      taken=
    elif [ "$command$word" != help ]; then
      case "$word" in
        -*)
          _irkit_value "$command $word"
          taken="$kind"
          ;;
        *)
          case " $subs " in
            *" $word "*)
              command="${command:+$command }$word"
              _irkit_about "$command"
              ;;
            *) at=$((at + 1)) ;;
          esac
          ;;
      esac
    fi
  done
  if [ -n "$taken" ]; then
    kind="$taken"
  elif [ "${current#-}" != "$current" ]; then
    kind="=$options"
  elif [ -n "$subs" ]; then
    kind="=$subs"
  else
    set -- $places
    kind=text
    if [ "$at" -lt "$#" ]; then
      shift "$at"
      kind="$1"
    elif [ "$#" -gt 0 ]; then
      for word in "$@"; do kind="$word"; done
      [ "$kind" = files ] || kind=text
    fi
  fi
}
