# Completes irkit's command lines in bash; made by irkit completion bash.

@TABLE@

@POSIX@

_irkit() {
  local IFS=$' \t\n' current="${COMP_WORDS[COMP_CWORD]}" kind= names= word
  local -a before=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [ "$word" = "=" ] || before+=("$word")  # bash parts --option=value at the sign
  done
  [ "$current" = "=" ] && current=
  _irkit_find "$current" "${before[@]}"
  case "$kind" in
    text | files) ;;
    =*) names="${kind#=}" names="${names//,/ }" ;;
    *) names="$(_irkit_names "$kind")" ;;
  esac
  COMPREPLY=($(compgen -W "$names" -- "$current"))
  case "$kind" in
    text | =*) return ;;
    files | collections) IFS=$'\n' COMPREPLY+=($(compgen -f -- "$current")) ;;
    *) IFS=$'\n' COMPREPLY+=($(compgen -f -X '!*.yaml' -- "$current") $(compgen -d -- "$current")) ;;
  esac
}

complete -o filenames -F _irkit irkit
