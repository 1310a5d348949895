"""A word stays the word that it was, in the shell and in what a CI system expands before."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_iac.delivery.shell import Command, Expression, line, quote, script

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
OPENERS = ("${{", "$(", "$[", "${", "<<", "{{", "$[[", "((")


@given(TEXTS | st.lists(st.sampled_from([*OPENERS, "'", '"', "`", "\\", "\n", "a", " "])).map("".join))
def test_a_word_is_read_back_as_it_was(text: str) -> None:
    assert shlex.split(quote(text)) == [text]
    assert not any(opener in quote(text) for opener in OPENERS)


@settings(max_examples=30)
@given(TEXTS.filter(lambda text: "\r" not in text))
def test_a_real_shell_agrees(text: str) -> None:
    printed = subprocess.run(["sh", "-c", f"printf %s {quote(text)}"], capture_output=True, check=True)
    assert printed.stdout == text.encode()


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


def test_commands_are_lines() -> None:
    kept = Command(("mlops-iac", "preview", "-C", "a b", Expression('"$BASE"')), out="a.md", status="refused")
    assert line(kept) == "mlops-iac preview -C 'a b' \"$BASE\" > a.md || refused=$?"
    assert script([kept, Command(("true",))]) == ("refused=0", line(kept), "true")
