"""Names of folders and files made of a hospital's id, which is delivered text and may hold anything."""

from __future__ import annotations

import base64
import hashlib

LONGEST = 60
"""Characters of a code; what would be longer ends in a hash instead."""
_KEPT_OF_LONG = 40


def hospital_folder(hospital_id: str) -> str:
    """The name of a hospital's folder: one part of a path, never the same for two ids.

    Its first word keeps it from being hidden, an option of a command, or a name that Windows reserves (CON, NUL).
    """
    return f"hospital-{safe_code(hospital_id)}"


def safe_code(text: str) -> str:
    """A text in a-z, 0-9 and _-+=~, at most 93 characters, never the same for two texts.

    Capitals, digits, _ and - stay readable: H01 is h01. There are no capitals in it, for some file systems take h01 and H01 for
    one: + says that the letters from here on are small (amc is +amc), or capitals again. Anything else is its bytes in
    UTF-8: ../x is =2e=2e=2f+x. Where that would be longer than LONGEST, its beginning, ~ and the SHA-256 of the text (base 32).
    """
    parts = []
    small = False
    for character in text:
        if character.isascii() and character.isalpha():
            if character.islower() is not small:
                small = not small
                parts.append("+")
            parts.append(character.lower())
        elif character.isascii() and (character.isdigit() or character in "_-"):
            parts.append(character)
        else:
            parts += [f"={byte:02x}" for byte in _utf8(character)]
    code = "".join(parts)
    if len(code) <= LONGEST:
        return code
    return f"{code[:_KEPT_OF_LONG]}~{base64.b32encode(hashlib.sha256(_utf8(text)).digest()).decode().rstrip('=').lower()}"


def variable_code(text: str) -> str:
    """A text as part of the name of an environment variable, in A-Z, 0-9 and _, never the same for two texts.

    Capitals and digits stay, anything else is _ and a byte of its UTF-8 in two digits: H-01 is H_2D01.
    """
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(c if c in plain else "".join(f"_{byte:02X}" for byte in _utf8(c)) for c in text)


def printable(text: str) -> str:
    """A text for one line of a message or a header: whatever is no visible character is a question mark."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
