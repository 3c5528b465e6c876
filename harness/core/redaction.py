"""Redaction: no token, password or key ever reaches a record, a log or a report.

Three things are hidden: the values of the environment's variables whose names sound secret, with
the passwords of addresses among its values; what has the shape of a known kind of secret; and
what is given to a secret name. A value is also found as JSON, HTML, an address or `repr` write it.

These values cannot be hidden without garbling every text, and are not: those shorter than six
characters, or than eight if they are letters alone or digits alone; paths that exist, which say
where a secret lies; and words of this package's own files, which everybody can read.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "[redacted]"
"""Without a character that JSON, HTML, XML, TOML or Markdown would have to escape."""

_SHORTEST, _SHORTEST_WORD, _SHORTEST_CUT, _SHORTEST_LINE = 6, 8, 12, 16

_STRONG = (
    r"password|passwd|passphrase|secret|credentials?"
    r"|(?:api|access|account|private|secret|encryption|signing)[_-]?key"
)
"""Names that mean nothing else, whatever text they stand in; a tokenizer has tokens, too."""

_SECRET_NAME = re.compile(
    rf"({_STRONG}|token|authorization|cookie|jwt)s?$|(^|_)({_STRONG})s?_"
    r"|(^|_)(auth|dsn|key|pass|pat)$|_pwd$|sshpass$",
    re.IGNORECASE,
)
_STRONG_NAME = re.compile(rf"({_STRONG})s?$", re.IGNORECASE)

_USER = r"""(?!git@)(?:[^/@:\s"'<>]*:(?!\d+[/?\#])[^\s"'<>]*|[^/?\#\s"'<>]*)(?=@)"""
"""Up to the last @ where a password goes before, which may hold anything."""

_ADDRESS = re.compile(f"(?<=://){_USER}")

_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""No letter goes before, unless it is that of an escaped line break."""

_QUERY = (
    rf"[\w.-]{{0,64}}(?:token|signature|{_STRONG})[\w-]{{0,64}}"
    "|awsaccesskeyid|auth|key|sig|pass|pwd"
)

_IS = r"""\\?["']?\s*[:=]\s*\\?["']?"""
_GIVEN = r"""(?:=\\?["']?|\s*=\s*\\?["']|\\?["']:\s*\\?["'])"""
_SCHEMES = r"(?:basic|bearer|digest|token) +"
_WORD = r"""[^\s"'<>,;&)\\]{6,}"""
_PEM, _PEM_TEXT = "-----{} [A-Z ]*PRIVATE KEY-----", """[^"'<]"""
_RUN = r"""[^\s"'<>]{0,200}?"""
_PEM_LINE = r"(?:[A-Z0-9+/=]{20,}|\\[nr]|[\s|>E])"
"""Of a key whose end was cut off; a log's and a traceback's margins may go before."""

_KINDS = tuple(
    (tuple(signs.split()), re.compile(pattern, re.IGNORECASE))
    for signs, pattern in (
        ("://", rf"(?P<kept>://){_USER}"),
        ("?", rf"""(?P<kept>[?&;](?:{_QUERY})=)[^&\#\s"'<>]+"""),
        ("authorization", rf"(?P<kept>authorization{_IS}(?:{_SCHEMES})?){_WORD}"),
        ("bearer", r"(?P<kept>\bbearer\s+)[\w.~+/=-]{16,}"),
        ("pass secret credential key", rf"(?P<kept>(?:{_STRONG}){_GIVEN}){_WORD}"),
        ("private", rf"{_PEM.format('BEGIN')}(?:{_PEM_TEXT}*?{_PEM.format('END')}|{_PEM_LINE}*)"),
        ("hf_ npm_ ghp_ gho_ ghu_ ghs_ ghr_", r"(?:hf|npm|gh[opsur])_[A-Z0-9]{16,}"),
        ("api_org_ github_pat_", r"(?:api_org|github_pat)_\w{16,}"),
        ("glpat- pypi-", r"(?:glpat|pypi)-[\w-]{16,}"),
        ("akia asia", r"(?-i:A[KS]IA[A-Z0-9]{12,})"),
        ("aiza", r"(?-i:AIza[\w-]{30,})"),
        ("sk-", rf"{_START}sk-(?=[\w-]*\d)[\w-]{{16,}}"),
        ("xox", r"xox[a-z]-[\w-]{10,}"),
        ("eyj", rf"(?-i:{_START}eyJ[\w-]{{6,}}\.[\w-]{{6,}}(?:\.[\w-]*)?)"),
    )
)
"""Known kinds of secrets: words that a text with one has in it, and the secret itself."""

_WRITTEN: tuple[Callable[[str], str], ...] = (
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    lambda value: repr(value)[1:-1],
    lambda value: escape(value, quote=False),
    escape,
    lambda value: escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    quote,
    lambda value: quote(value, safe=""),
    quote_plus,
)
"""How a value is written where it cannot stand as it is."""


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether a variable or argument of this name holds a secret, such as `hub_token`."""
    return _SECRET_NAME.search(name) is not None


def text(written: str, variables: Mapping[str, str] | None = None) -> str:
    """A text without secrets: those of environment variables, and those that look like one."""
    if len(written) < _SHORTEST:
        return written
    known = _pattern(_secrets(variables))
    if known is not None:
        written = known.sub(HIDDEN, written)
    lower = written.lower()
    for signs, kind in _KINDS:
        if any(sign in lower for sign in signs):  # much faster than to look for the whole
            written = kind.sub(_secret_hidden, written)
    return written


def strings(value: Any) -> Any:
    """JSON without secrets in its strings, at any depth; names in it are strings, too."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {
            strings(key): HIDDEN
            if isinstance(part, str) and _STRONG_NAME.search(str(key))
            else strings(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [strings(part) for part in value]
    return value


def values(value: Any) -> Any:
    """JSON with every value hidden whose key names a secret, at any depth."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if is_secret(str(key)) and part is not None else values(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [values(part) for part in value]
    return value


def document(written: str, data: Collection[str] = ()) -> str:
    """A file's text without secrets; JSON, or a line of JSON each, stays what it is.

    Args:
        written: the text.
        data: names in a JSON object whose values stay as they are.
    """
    hidden = text(written)
    if hidden == written or written.lstrip()[:1] not in {"{", "["}:
        return hidden
    try:
        decoded = json.loads(written)
    except ValueError:
        try:
            return "".join(f"{json.dumps(strings(json.loads(x)))}\n" for x in written.splitlines())
        except ValueError:
            return hidden
    indent = 1 if "\n" in written.strip() else None
    hidden = strings(decoded)
    if isinstance(decoded, dict):
        hidden |= {name: decoded[name] for name in data if name in decoded}
    return json.dumps(hidden, indent=indent) + "\n" * written.endswith("\n")


def _secret_hidden(match: re.Match[str]) -> str:
    """What goes before a secret, if anything must, and not the secret."""
    return f"{match.groupdict().get('kept', '')}{HIDDEN}"


def _secrets(variables: Mapping[str, str] | None) -> frozenset[str]:
    """Values that variables give away, as they are now: pytest changes one with every test.

    The dictionary below `os.environ`, which decodes every name and value, is four times as fast.
    """
    if variables is None:
        variables = getattr(os.environ, "_data", os.environ)
    return frozenset(chain.from_iterable(map(_given_away, [*variables.items()])))


@lru_cache(maxsize=1024)
def _given_away(variable: tuple[str | bytes, str | bytes]) -> tuple[str, ...]:
    """The value of a secret name, and of addresses the passwords."""
    name, value = map(os.fsdecode, variable)
    secrets = [value] if is_secret(name) else []
    for match in _ADDRESS.finditer(value) if "://" in value else ():
        password = match[0].partition(":")[2] or match[0]
        secrets += [password, unquote(password)]
    return tuple(secrets)


@lru_cache
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """What finds any of some values, the longest first; None without any."""
    parts = {part.strip() for value in secrets for part in (value, *_lines(value))}
    forms = {form for part in parts if _can_be_hidden(part) for form in _forms(part)}
    if not forms:
        return None
    whole = map(_exactly, sorted(forms, key=lambda form: (-len(form), form)))
    cut = (_cut(form) for form in sorted(forms & parts) if len(form) >= _SHORTEST_CUT)
    return re.compile("|".join([*whole, *cut]))


def _exactly(form: str) -> str:
    """What finds a value; digits not within a longer number."""
    return rf"(?<![\d.]){form}(?![\d.])" if form.isdigit() else re.escape(form)


def _cut(form: str) -> str:
    """What finds the beginning or the end of a value that pytest has shortened."""
    first, last = re.escape(form[:_SHORTEST]), re.escape(form[-_SHORTEST:])
    return rf"{first}{_RUN}(?=\.\.\.)|(?<=\.\.\.){_RUN}{last}"


def _lines(value: str) -> Iterator[str]:
    """The longer lines of a value of several: a report shows them one by one."""
    lines = value.splitlines()
    return (line for line in lines[1:-1] or lines if len(line.strip()) >= _SHORTEST_LINE)


def _forms(value: str) -> set[str]:
    """A value as it is written here and there, one in the other, too: JSON in HTML."""
    once = {value, *(write(value) for write in _WRITTEN)}
    return once | {write(form) for form in once for write in _WRITTEN}


def _can_be_hidden(value: str) -> bool:
    """Whether hiding a value leaves other texts what they are."""
    plain = value.isalpha() or value.isdigit()
    if len(value) < (_SHORTEST_WORD if plain else _SHORTEST):
        return False
    path = value.startswith(("/", "~")) and os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111 - no text is too odd for these
    return not path and value not in _own_files()


@lru_cache
def _own_files() -> str:
    """Everything that this package's own modules say."""
    folder = Path(__file__).resolve().parents[1]
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
