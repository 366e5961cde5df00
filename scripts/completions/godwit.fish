# Completion of godwit for fish: `godwit complete` knows what can follow. Installed as
# share/fish/vendor_completions.d/godwit.fish.

function __godwit_candidates
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l typed (commandline --cut-at-cursor --current-token)
    set -l program (string replace --regex '^~/' "$HOME/" -- $words[1])
    # The last word comes as it was typed: its quote may still be open.
    set -l word (string unescape -- "$typed"; or string unescape -- "$typed\""; or string unescape -- "$typed'")
    command --query -- $program; or set program godwit # an alias
    $program complete -- $words[2..-1] "$word" 2>/dev/null </dev/null
end

complete --command godwit --no-files --arguments '(__godwit_candidates)'
