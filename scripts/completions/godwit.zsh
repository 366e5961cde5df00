#compdef godwit
# Completion of godwit for zsh: `godwit complete` knows what can follow. Installed as share/zsh/site-functions/_godwit.

_godwit() {
  local program=${(Q)words[1]} typed=${(Q)PREFIX} text about tail head line
  local -a before lines closed open
  before=("${(@Q)words[2,CURRENT-1]}")
  (( CURRENT > 2 )) || before=()
  program=${program/#\~\//$HOME/}
  whence -p -- $program >/dev/null || program=godwit # an alias
  lines=("${(@f)$("$program" complete -- "${before[@]}" "$typed" 2>/dev/null </dev/null)}")

  # What stands before the last slash or sign stays as it was typed, and is not shown again.
  tail=${typed##*[\/=@]}
  head=${typed%"$tail"}
  [[ -z $head ]] || compset -P '*[/=@]'
  for line in "${lines[@]}"; do
    [[ -n $line ]] || continue
    text=${line%%$'\t'*}
    about=${line:${#text}+1}
    text=${text#"$head"}
    line=${${text//\\/\\\\}//:/\\:}${about:+:$about}
    # Folders and `name=` go on: no space behind them.
    if [[ $text == *[/=@] ]]; then open+=("$line"); else closed+=("$line"); fi
  done
  local found=1
  (( $#closed )) && _describe -t candidates candidate closed && found=0
  (( $#open )) && _describe -t candidates candidate open -S '' && found=0
  return found
}

# Loaded by compinit it is the body of the function, sourced it defines it.
if [[ $funcstack[1] == _godwit ]]; then _godwit "$@"; else compdef _godwit godwit; fi
