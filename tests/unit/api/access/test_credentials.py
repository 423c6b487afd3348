import hashlib

import pytest

from api.access import credentials
from api.access.credentials import PATTERN, CredentialKind
from shared.process.redaction import MASK, hidden_by_form


@pytest.mark.parametrize("kind", CredentialKind)
def test_a_value_is_of_256_random_bits_and_only_its_digest_is_kept(kind: CredentialKind) -> None:
    made = [credentials.make(kind) for _ in range(100)]

    assert len({value for value, _ in made}) == len({credential.public_id for _, credential in made}) == 100
    for value, credential in made:
        assert PATTERN.fullmatch(value)
        assert len(value.partition(".")[2]) * 6 >= 256
        assert credential.digest == hashlib.sha256(value.encode()).digest()
        assert value.partition(".")[2] not in repr(credential)


def test_a_value_is_only_what_it_was_made_as() -> None:
    value, made = credentials.make(CredentialKind.TOKEN)

    assert credentials.parse(value, CredentialKind.TOKEN) == made
    assert credentials.parse(value, CredentialKind.SESSION) is None
    assert credentials.parse(value, CredentialKind.LINK) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "snt_",
        "snt_0123456789abcdef.",
        "snt_0123456789ABCDEF." + "a" * 43,
        "snt_0123456789abcdef." + "a" * 44,
        "snt_0123456789abcdef." + "a" * 42 + "\n",
        "snt_0123456789abcdef." + "ä" * 43,
        "x" * 100_000,
    ],
)
def test_anything_else_is_no_value(text: str) -> None:
    assert credentials.parse(text, CredentialKind.TOKEN) is None


def test_a_credential_matches_its_own_digest_alone() -> None:
    value, made = credentials.make(CredentialKind.TOKEN)
    last = "A" if value[-1] != "A" else "B"
    changed = credentials.parse(value[:-1] + last, CredentialKind.TOKEN)

    assert made.matches(hashlib.sha256(value.encode()).digest())
    assert changed is not None
    assert changed.public_id == made.public_id
    assert not changed.matches(made.digest)


@pytest.mark.parametrize("kind", CredentialKind)
def test_redaction_knows_every_kind_of_value_by_its_form(kind: CredentialKind) -> None:
    value, _ = credentials.make(kind)

    assert hidden_by_form(f"got ({value}), {value[:30]} and {value}") == f"got ({MASK}), {MASK} and {MASK}"
