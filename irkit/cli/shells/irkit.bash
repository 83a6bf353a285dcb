# Completes irkit's command lines in bash; made by irkit completion bash.

@TABLE@

@POSIX@

_irkit() {
  local IFS=$' \t\n' current="${COMP_WORDS[COMP_CWORD]}" kind= names=
  _irkit_find "$current" "${COMP_WORDS[@]:1:COMP_CWORD-1}"
  case "$kind" in
    text | files) ;;
    =*) names="${kind#=}" ;;
    *) names="$(_irkit_names "$kind")" ;;
  esac
  COMPREPLY=($(compgen -W "$names" -- "$current"))
  case "$kind" in
    text | =*) return ;;
    files | collections) ;;
    *) [ "${#COMPREPLY[@]}" -eq 0 ] || return ;;
  esac
  IFS=$'\n'
  COMPREPLY+=($(compgen -f -- "$current"))
}

complete -o filenames -F _irkit irkit
