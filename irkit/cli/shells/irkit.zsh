#compdef irkit
# Completes irkit's command lines in zsh; made by irkit completion zsh.

@TABLE@

@POSIX@

_irkit() {
  emulate -L zsh
  setopt no_nomatch sh_word_split
  local kind=
  _irkit_find "$words[CURRENT]" "${(@)words[2,CURRENT-1]}"
  case "$kind" in
    text) ;;
    files) _files ;;
    =*) compadd -- ${${kind#=}//,/ } ;;
    *)
      compadd -- $(_irkit_names "$kind")
      if [ "$kind" = collections ]; then _files; else _files -g '*.yaml'; fi
      ;;
  esac
}

if [ "$funcstack[1]" = _irkit ]; then
  _irkit "$@"
else
  compdef _irkit irkit
fi
