"""Registration passwords: what counts as weak, and how a strong one is made."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_COMMON = """
    password passw0rd password1 password12 password123 pass1234 passwort1 qwerty123 qwertyui1 qwertz123 abc12345
    abcd1234 abcdef12 a1234567 a12345678 1q2w3e4r 1qaz2wsx q1w2e3r4 zaq12wsx admin123 admin1234 administrator1
    welcome1 welcome123 letmein1 letmein123 changeme1 changeme123 default1 secret12 secret123 iloveyou1 test1234
    testtest1 asterisk1 freepbx1 voip1234 voip12345 sip12345 phone123 phone1234 telephone1 extension1 monkey123
    dragon123 football1 baseball1 sunshine1 princess1 master123 superman1 trustno1 whatever1 starwars1 hello123
    hello1234 summer123 winter123 p@ssw0rd p@ssword1 pa$$word1 pa$$w0rd
"""


def generate_password() -> str:
    """Make a password of 24 letters and digits (142 bits)."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(24))
        if not weakness(password):
            return password


def weakness(password: str, *known: str) -> str | None:
    """Say why somebody would guess this password soon, or None; `known` are the number and the names of its owner.

    Phones are attacked all day with the number, the name and the usual words as password, often with digits behind.
    """
    folded = password.casefold()
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    if sum(any(is_kind(c) for c in password) for is_kind in kinds) < 2:
        return "letters, capitals, digits and signs: at least two of these"
    if len(set(folded)) < 5:
        return "too few different characters"
    if folded in _COMMON.split():
        return "a password that everybody tries"
    for word in filter(None, (w.casefold().replace(" ", "") for w in known)):
        rest = folded.replace(word, "")
        if word in folded and len(rest) <= 5 and not any(c.isalpha() for c in rest):
            return "made of the number or a name of the extension"
    return None
