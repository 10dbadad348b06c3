"""Passwords of packages: one per hospital and year, which no message, log, table or exception ever holds."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import NoReturn

import yaml

from lbz_indicators.errors import SettingsError
from lbz_indicators.publish.names import variable_code

VARIABLE = "LBZ_PASSWORD"
SHORTEST, LONGEST = 16, 99
"""Characters. The ZIP format derives its key by 1,000 rounds only, so a short password can be guessed; 7-Zip reads 99."""
RULE = f"{SHORTEST} to {LONGEST} characters of ASCII, none of them a control character, no space at an end"
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look like another one when read aloud or typed."""
_GROUPS, _GROUP = 7, 4
_YEAR = re.compile(r"[12]\d{3}")
_SHAPE = "write hospital_id, below it a year, and the password as its value"
Passwords = dict[tuple[str, int], "Password"]
"""By hospital_id and year."""


class Password:
    """A text that shows itself to who asks for it by name, and to nobody else: not printed, compared, copied or pickled."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The password itself, for the program that encrypts or logs in."""
        return self._text

    def __repr__(self) -> str:
        return "Password(not shown)"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a password is neither copied nor stored")


def new_password() -> Password:
    """A random one of 138 bits, in groups of four to be read aloud: 7kdm-q2xe-..."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return Password("-".join(groups))


def require_usable(password: Password, where: str) -> Password:
    """The password; SettingsError where other programs would not open what it closes, or where it can be guessed."""
    if not _is_usable(password.reveal()):
        raise SettingsError("A password of packages cannot be used.", where=where, mend=f"give {RULE}.")
    return password


def variable_name(hospital_id: str, year: int) -> str:
    """The environment variable with the password of a hospital's packages of a year: LBZ_PASSWORD_2022_H01."""
    return f"{VARIABLE}_{year}_{variable_code(hospital_id)}"


def read_store(text: str, where: str) -> Passwords:
    """The passwords of a secret store: JSON or YAML, {hospital_id: {year: password}}.

    Raises SettingsError naming the lines of every fault in one message, and nothing of what stands there.
    """
    problem, root = _composed(text)
    found: Passwords = {}
    faults = [problem] if problem else []
    for hospital, years in _entries(root, faults):
        for year, value in _entries(years, faults):
            if not isinstance(value, yaml.ScalarNode) or not _YEAR.fullmatch(year.value):
                faults.append(f"{_line(year)}: {_SHAPE}")
            elif not _is_usable(value.value):
                faults.append(f"{_line(year)}: a password that is not {RULE}")
            else:
                found[hospital.value, int(year.value)] = Password(value.value)
    if faults:
        raise SettingsError(
            f"The secret store cannot be used: {'; '.join(faults)}.",
            where=where,
            mend="correct these lines; docs/publication.md.",
        )
    return found


def _is_usable(text: str) -> bool:
    return SHORTEST <= len(text) <= LONGEST and text.isascii() and text.isprintable() and text == text.strip()


def _composed(text: str) -> tuple[str | None, yaml.Node | None]:
    """(what is wrong, the tree of it); every scalar is text, so that 0123 and no stay what they are.

    What YAML says of a fault quotes the line, so only its number goes on, outside the exception.
    """
    try:
        return None, yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return f"line {mark.line + 1 if mark else 1}: no valid JSON or YAML", None
    except yaml.YAMLError:
        return "no valid JSON or YAML", None


def _entries(node: yaml.Node | None, faults: list[str]) -> Iterable[tuple[yaml.ScalarNode, yaml.Node]]:
    """The entries of a mapping; a fault for what is none, and for a key that stands there twice."""
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        faults.append(f"{_line(node)}: {_SHAPE}")
        return
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or not key.value or key.value in seen:
            faults.append(f"{_line(key)}: {'a name that stands there twice' if isinstance(key, yaml.ScalarNode) else _SHAPE}")
        else:
            seen.add(key.value)
            yield key, value


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
