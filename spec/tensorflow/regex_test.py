"""Regular expressions mean what they mean in Python, or are refused with the reason. Python's `re` is the judge."""
import re
import sys
import warnings

import numpy as np
import pytest

from oracle import save_v2
from support import RECIPE, lua, printed, refused

# pattern -> what replaces it, in Python's syntax
PATTERNS = {
    "layer": "block", "layer_(\\d+)": r"block.\1", "^bert/": "", "^(?:bert|gpt)/": "m/", "kernel$": "weights",
    "/": "//", "a|b": "<\\g<0>>", "": "-", "x*": "-", "x*?": "-", "e*": "[\\g<0>]", "e+?": "E", "e{2}": "2",
    "e{1,}": "1+", "e{1,2}": "12", "e{0,1}": "?", "(e{0,1}?)": "\\1!", "(a)(b)?(c)?": r"\3\2\1",
    "(a)|(b)|(c)": r"[\1|\2|\3]", "(a(b(c)?)?)?": r"<\1,\2,\3>", "(?:(a)|b)*": r"{\1}",
    "(a|ab)(c|bcd)(d*)": r"\1-\2-\3", "(?P<scope>[^/]+)/(?P<name>.*)": r"\g<name>@\g<scope>",
    "(?P<q>['\"]).*?(?P=q)": "<q>", r"(\w)\1": r"\1", r"(\w+) \1": r"\1", r"\b": "|", r"\B": ".", r"\bkernel\b": "K",
    r"\w+": "w", r"\W+": "_", r"\d+": "#", r"\D+": "d", r"\s": "s", r"\S+": "S", r"[\w.]+": "x", r"[^\W\d]+": "y",
    r"\A.": "A", r".\b": "!", ".": "c", ".*": "all", ".+?": "1", "(.*)(/)(.*)": r"\3\2\1", "(.*?)(/)(.*?)": r"\3\2\1",
    "[a-c]": "abc", "[^a-c]+": "-", "[]]": "br", "[^]]+": "nb", "[a\\]]": "e", "[\\-a]": "d", "[a-]": "h", "[-a]": "h",
    "[.]": "dot", r"\.": "dot", r"\/": "slash", r"\[": "l", "[[]": "l", r"[\[\]]": "b", "[+*?]": "q", "[$]": "D",
    "[\\^]": "c", "(?=a)": ">", "(?!a)": "~", "(?<=a)": "<", "(?<!a)": "!", "(?<=/)[^/]+$": "last",
    "^[^/]+(?=/)": "first", "(?<=(a))b": r"\1\1", "(?=(.))": r"\1", "a(?!b)": "A", "(?<!_)\\d": "n",
    "(?<=[0-9])(?=[a-z])": ".", "(?<=\\bl)a": "A", "(?=.*\\d)^": "has", "(?:a(?=b)|c)": "z", "((?=a)|b)": r"(\1)",
    "(?i)BERT": "b", "(?i)Ü": "ue", "(?i)[a-c]+": "abc", "(?i:K)ernel": "k", "(?-i:k)ernel": "k", "(?s).*": "all",
    "(?m)^": ">", "(?m)$": "<", "(?m)^.*$": "line", "(?s)a.b": "ab", "(?x) a \\  b # comment": "ab", "(?x)[ ]a": "sp",
    "a(?#comment)b": "ab", "$": "!", "^": "^", "^$": "empty", "^.*$": "whole", "(?m)$\\n?": "e", "a$": "A", "\\n": "N",
    "\\t": "T", "ü": "ue", "[äöü]": "u", "[à-ÿ]": "l", "日本": "jp", "[一-龠]+": "kanji", "😀": ":)", r"\xfc": "ue",
    r"[\x00-\x1f]": "ctl", r"\x41": "A", r"\101": "A", r"\x2f": "S", "é": "e", "e\u0301": "E", "[é]": "e",
    "\\w\u0301?": "m", "İ": "I", "(?i)ſ": "s", "(?i)ß": "ss", "(?i)K": "k", "\\d": "n", "[\\d]+": "n", "\\w": "w",
    "[^\\w\\s/]": "o", "a*": "-", "(a*)": r"<\1>", "(a*)*": r"<\1>", "(a*)+": r"<\1>", "(a|b)*": r"<\1>",
    "(?:a*)*b": "x", "(a+|b+)*": r"\1", "(a?)*?b": "y", "()": "e", "(|a)": r"(\1)", "(a|)": r"(\1)", "a||b": "o",
    "(?:)": "n", "(?=)": "p", "(?!)": "never", "(?<=)": "q", "a??": "l", "a{0}": "z", "a{2,3}?": "f", "(ab){2}": r"\1",
    "(?:ab)+": "ab", "{": "lb", "}": "rb", "a{": "ab", "a{x}": "ax", "{1": "b1", "a{1": "a1", "a{1,": "a2", "{}": "bb",
    "a{}": "ab", "(?P<a>a)(?P<b>b)?": r"\g<b>\g<a>", "(?P<n1>.)(?P<n2>.)": r"\g<n2>\g<1>", "(a)(?(1)b|c)": "cond",
    "(a)?(?(1)b|c)": "cond", "(?P<x>a)?(?(x)b|c)": "cond", r"(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)": r"\10\9",
    "layer_(?:0|1[0-9])/": "L", r"(?<!\d)1(?!\d)": "one", "l(?:a(?:y(?:e(?:r)?)?)?)?": "l",
    r"^(.*)/(Adam|Momentum)(_1)?$": r"\2\3/\1", r"/ExponentialMovingAverage$": "", r"^(?!.*Adam).*$": "weights",
    r"^model/layer_with_weights-(\d+)/": r"layers/\1/", r"(?<=layer_)\d+": lambda m: "N", r"\\": "b",
    r"\$": "dollar", r"\^": "caret", r"\*": "star", r"\(": "p", r"[(]": "p", r"\|": "pipe", r"\{2\}": "two",
    r"\-": "dash", r"\_": "us", r"\#": "hash", r"\ ": "space", r"[\s\S]": "any", r"[\d\D]+": "all", r"[^\s]": "n",
    r"\w*\d": "wd", r"[\w-]+": "id", r"[-\w]+": "id", r"[.\-/]": "s", r"[\b]": "bs", r"\a|\f|\r": "e", "a.c": "dot",
    "b.*?k": "lazy", "(b).*(k)": r"\1\2", "\\d{2,}": "many", "[0-9]{1,3}": "d3", "(?:\\d+\\.)+": "v", "[^/]*": "seg",
    "([^/]*)/?": r"\1;", "(^|/)l": r"\1L", "(/|$)": r"\1.", "[a-z]+(?:_[a-z]+)*": "snake", "([A-Z])": r"_\1",
    "(?i)([a-z])\\1": r"2\1",
}
POSSESSIVE = {
    "a*+a": "x", "(?>a+)b": "y", "a?+": "p", "(?>a|ab)c": "z", "e++": "E",
}
if sys.version_info >= (3, 11):
    PATTERNS.update(POSSESSIVE)

NAMES = [
    "bert/encoder/layer_0/attention/kernel", "bert/layer_11/bias", "layer_1/sub.13/kernel", "global_step", "l/w/Adam",
    "l/w/Adam_1", "w/ExponentialMovingAverage", "model/layer_with_weights-0/kernel", "a", "ab", "abc", "abcd", "aab",
    "aaab", "abab", "b", "c", "xay", "xxx", "eee", "see tree", "a b", "a.b.c", "a/b", "/", "//a//", "[a]", "a]b",
    "x{2}", "$x^", "(a|b)*", "ü", "über/größe", "ÜBER", "日本語/重み", "😀/😀", "é", "e\u0301", "İstanbul ı ſ ß K", "٣/४",
    "x²/½", "a\nb", "a\n", "\n", "tab\tx", "A-B_C", "1 11 111", "v1.2.3", "'q' \"r\"", "hello hello", "\\back\\slash",
    "#x", "aA bB", "_", "-", "BertModel/LayerNorm", "{}", "a{1,", "a{x}", "a{,}", "\u00a0x", "ab\u2028cd",
]


def in_godwit(replacement):
    """Python's \\1 and \\g<name> as $1 and ${name}."""
    text = replacement.replace("$", "$$")
    return re.sub(r"\\g<(\w+)>|\\(\d+)", lambda match: "${%s}" % (match[1] or match[2]), text)


def judge(pattern, replacement, name):
    found = re.search(pattern, name)
    groups = () if found is None else tuple(group or "" for group in (found.groups() or (found[0],)))
    return found is not None, groups, re.sub(pattern, replacement, name)


SCRIPT = """
local function hex(text) return (text:gsub('.', function(c) return ('%%02x'):format(c:byte()) end)) end
local patterns, names = %s, %s
return function()
  for i, pair in ipairs(patterns) do
    for j, name in ipairs(names) do
      local ok, answer = pcall(function()
        local found = table.pack(gw.match(name, pair[1]))
        local parts = {found[1] == nil and 'no' or 'yes', hex(gw.sub(name, pair[1], pair[2]))}
        for k = 1, found[1] == nil and 0 or found.n do parts[#parts + 1] = hex(found[k]) end
        return table.concat(parts, ' ')
      end)
      print(i, j, ok and answer or 'error ' .. tostring(answer))
    end
  end
end
"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return save_v2(str(tmp_path_factory.mktemp("source") / "ckpt"), {"v": 1.0})


@pytest.fixture(scope="module")
def answers(empty, tmp_path_factory):
    """(pattern, name) -> what gw.match and gw.sub say, from one process."""
    pairs = [[pattern, in_godwit(replacement if isinstance(replacement, str) else "N")] for pattern, replacement in PATTERNS.items()]
    recipe = tmp_path_factory.mktemp("recipe") / "patterns.lua"
    recipe.write_bytes((SCRIPT % (lua(pairs), lua(NAMES))).encode())
    found = {}
    for line in printed("plan", recipe, empty):
        i, j, answer = line.split("\t", 2)
        word, *parts = answer.split(" ")
        if word == "error":
            answer = " ".join(parts)
        else:
            sub, *groups = (bytes.fromhex(part).decode() for part in parts + [""] * (not parts))
            answer = word == "yes", tuple(groups), sub
        found[pairs[int(i) - 1][0], NAMES[int(j) - 1]] = answer
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_means_what_it_means_in_python(answers, pattern):
    replacement = PATTERNS[pattern]
    for name in NAMES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = judge(pattern, replacement, name)
        assert answers[pattern, name] == expected, name


def test_there_are_two_hundred_patterns():
    assert len(PATTERNS) >= 200


def test_renaming_by_a_pattern_is_what_python_substitutes(tmp_path):
    """All patterns as `rename` of all names, in one process; two names that become one, and empty ones, are errors."""
    source = save_v2(str(tmp_path / "ckpt"), [(name, np.float32(0)) for name in NAMES])
    pairs = [[pattern, in_godwit(replacement)] for pattern, replacement in PATTERNS.items() if isinstance(replacement, str)]
    script = """
local function hex(text) return (text:gsub('.', function(c) return ('%%02x'):format(c:byte()) end)) end
return function(ckpt)
  for i, pair in ipairs(%s) do
    local copy = ckpt:copy()
    local ok, count = pcall(copy.rename, copy, pair[1], pair[2], {optional = true})
    local names = {}
    for name in copy:each() do names[#names + 1] = hex(name) end
    print(i, ok and count or 'error ' .. tostring(count):gsub('%%s+', ' '), table.concat(names, ' '))
  end
end""" % lua(pairs)
    recipe = tmp_path / "renames.lua"
    recipe.write_bytes(script.encode())
    lines = printed("plan", recipe, source)
    assert len(lines) == len(pairs)
    for line, (pattern, _) in zip(lines, pairs):
        _, count, names = line.split("\t")
        expected = [re.sub(pattern, PATTERNS[pattern], name) for name in NAMES]
        if "" in expected or len(set(expected)) < len(expected):
            assert "error" in count and ("would be empty" in count or "would get this name" in count), pattern
            continue
        assert int(count) == sum(re.search(pattern, name) is not None for name in NAMES), pattern
        assert sorted(bytes.fromhex(name).decode() for name in names.split(" ")) == sorted(expected), pattern


REFUSED = {
    r"a\Z": r"write \\z", "a{,2}": r"write {0,n}", "a{,}": r"write \*", r"\v": r"write \\x0b",
    "[[:alpha:]]": "POSIX class", "[a[:digit:]]": "POSIX class", "[[.a.]]": "POSIX class", "[[=a=]]": "POSIX class",
    "\x01": "control byte", "a\x08b": "long brackets", r"\Qa\E": "backslash before each", r"\Ea": "backslash",
    "(": "wrong at position", "[": "wrong at position", "a**": "wrong at position", r"\u00fc": "character itself",
    "(?P<a>b)(?P<a>c)": "wrong at position", "(?P=x)": "wrong at position", r"\2(a)": "wrong at position",
    "*a": "wrong at position", "a)": "wrong at position", "[b-a]": "wrong at position",
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_would_mean_something_else_is_refused_with_its_reason(empty, tmp_path, pattern):
    for call in (f"gw.match('a', {lua(pattern)})", f"ckpt:rename({lua(pattern)}, 'x')", f"ckpt:drop({lua(pattern)})"):
        message = refused(f"\n{call}", empty, to=tmp_path / "out", code=RECIPE)
        assert re.search(REFUSED[pattern].replace("{", r"\{").replace("}", r"\}"), message), message
        assert "-e:2" in message


@pytest.mark.parametrize("replacement, reason", [
    (r"\1", "backslash"), (r"\g<a>", "backslash"), ("\x01", "control byte"), ("$2", "has 1"), ("${name}", "has 1"),
    ("$", "takes a group"), ("${", "takes a group"), ("$x", "takes a group"), ("${1", "takes a group"),
    ("$10", r"\$\{1\}0"),
])
def test_a_replacement_that_would_mean_something_else_is_refused_with_its_reason(empty, tmp_path, replacement, reason):
    for call in (f"gw.sub('v', '(v)', {lua(replacement)})", f"ckpt:rename('(v)', {lua(replacement)})"):
        message = refused(f"\n{call}", empty, to=tmp_path / "out", code=RECIPE)
        assert re.search(reason, message), message


def test_replacements_in_their_own_syntax(empty):
    script = "print(gw.sub('ab', '(a)(?P<n>b)', '$$1 $1 ${1}0 ${n}')) print(gw.sub('ab', '(a)(?P<n>b)', '$0|${0}$2'))"
    assert printed("plan", "-e", script, empty) == ["$1 a a0 b\t1", "ab|abb\t1"]
