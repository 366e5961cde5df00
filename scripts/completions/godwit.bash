# Completion of godwit for bash: `godwit complete` knows what can follow; here words are taken apart and put together as bash
# has them. Installed as share/bash-completion/completions/godwit; without the package bash-completion, source it.

# REPLY: the word without its quotes; QUOTE: the quote that is still open at its end.
_godwit_unquote() {
  local word=$1 char i
  REPLY='' QUOTE=''
  for ((i = 0; i < ${#word}; i++)); do
    char=${word:i:1}
    if [[ $char == "\\" && $QUOTE != "'" ]]; then
      # Between double quotes a backslash is one, unless what follows it is special there.
      [[ -z $QUOTE || ${word:i+1:1} == [\"\$\`\\] ]] && i=$((i + 1))
      REPLY+=${word:i:1}
    elif [[ -z $QUOTE && $char == [\"\'] ]]; then
      QUOTE=$char
    elif [[ -n $QUOTE && $char == "$QUOTE" ]]; then
      QUOTE=''
    else
      REPLY+=$char
    fi
  done
}

# REPLY: the text as it has to be typed where $2 is the open quote. A tilde at the beginning stays one.
_godwit_quote() {
  local text=$1 home=''
  case $2 in
    \') REPLY=${text//\'/\'\\\'\'} ;;
    \")
      text=${text//\\/\\\\} text=${text//\"/\\\"} text=${text//\`/\\\`}
      REPLY=${text//\$/\\\$}
      ;;
    *)
      if [[ $text == \~/* ]]; then home=\~/ text=${text#\~/}; fi
      [[ $text != *[!A-Za-z0-9_./=,:@%+-]* ]] || printf -v text %q "$text"
      REPLY=$home$text
      ;;
  esac
}

# WORDS: the words up to the cursor as they were typed. COMP_WORDS has dtype=float in three, because `=`, `:` and `@` are
# among COMP_WORDBREAKS; where there is no space between them they are one.
_godwit_words() {
  local rest=${COMP_LINE:0:${COMP_POINT:-0}} word gap i
  WORDS=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $COMP_LINE ]]; then
      gap=${rest%%[![:space:]]*} rest=${rest#"$gap"}
      [[ $i -lt $COMP_CWORD ]] || word=$rest # the cursor may be inside of it
      rest=${rest#"$word"}
    else # a caller that sets nothing but the words
      gap=' '
      [[ -n $word && $word != *[!=:@]* || $i -gt 0 && ${COMP_WORDS[i - 1]} == [=:@]* ]] && gap=''
    fi
    if [[ -z $gap && $i -gt 0 ]]; then WORDS[${#WORDS[@]} - 1]+=$word; else WORDS+=("$word"); fi
  done
}

# Names with their descriptions, when bash is about to show a list and not to insert anything that differs.
_godwit_describe() {
  local i width=0 line
  for i in "${!COMPREPLY[@]}"; do
    [[ ${#COMPREPLY[i]} -le $width ]] || width=${#COMPREPLY[i]}
  done
  for i in "${!COMPREPLY[@]}"; do
    [[ -n ${about[i]} ]] || continue
    printf -v line '%-*s  (%s)' "$width" "${COMPREPLY[i]}" "${about[i]}"
    COMPREPLY[i]=${line:0:${COLUMNS:-80}-1}
  done
}

_godwit() {
  local REPLY QUOTE WORDS program current typed cut line text has_path='' last='' i
  local asked=() about=()
  COMPREPLY=()
  _godwit_words
  for i in "${!WORDS[@]}"; do
    _godwit_unquote "${WORDS[i]}"
    asked[i]=$REPLY
  done
  program=${asked[0]/#\~\//$HOME/}
  type -P -- "$program" >/dev/null || program=godwit # an alias

  # Bash replaces what stands behind the last break or open quote; candidates are whole words.
  current=${WORDS[${#WORDS[@]} - 1]} typed=${COMP_WORDS[COMP_CWORD]}
  if [[ $# -ge 2 ]]; then typed=$2; elif [[ $typed != *[!=:@]* ]]; then typed=''; fi
  _godwit_unquote "${current%"$typed"}"
  cut=${#REPLY}
  _godwit_unquote "$current"

  while IFS= read -r line; do
    text=${line%%$'\t'*}
    about+=("${line:${#text}+1}")
    text=${text:cut}
    _godwit_quote "$text" "$QUOTE"
    if [[ $text == */* ]]; then
      has_path=yes
      # Readline itself puts a slash behind a folder that it finds, and a second one in lists.
      [[ $text != */ || $REPLY != "$text" || $last == "${text%/}" ]] || REPLY=${text%/}
    fi
    last=$text
    COMPREPLY+=("$REPLY")
  done < <("$program" complete -- "${asked[@]:1}" 2>/dev/null </dev/null)

  [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[/=@] ]] || compopt -o nospace 2>/dev/null
  if [[ -n $has_path ]]; then # shown by their last parts
    compopt -o filenames -o noquote 2>/dev/null
  elif [[ ${#COMPREPLY[@]} -gt 1 && ${COMP_TYPE:-9} =~ ^(33|63|64)$ ]]; then
    _godwit_describe
  fi
  return 0
}

complete -F _godwit godwit
