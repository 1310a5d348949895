"""Unquoted scalars: the value is OmegaConf's, and what YAML changes silently is said aloud."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from mlops_iac.compose import codes
from mlops_iac.compose.scalars import read_plain
from mlops_iac.diagnostics import Diagnostic, Location, Severity

from .conftest import Tree

QUIET = [
    "true",
    "False",
    "7",
    "-7",
    "0",
    "1.5",
    "2.0",
    "-0.25",
    "1e-4",
    "2.5e+3",
    "null",
    "~",
    "",
    "x",
    "2027-03-31",
    "1.2.3",
    "0.1",
]
WARNED = {
    "no": (False, "the boolean false"),
    "On": (True, "the boolean true"),
    "1e3": (1000.0, "the number 1000.0"),
    "0x1F": (31, "the number 31"),
    "0b11": (3, "the number 3"),
    "1_000": (1000, "the number 1000"),
    "+49": (49, "the number 49"),
    "0.80": (0.8, "the number 0.8"),
    "012345678901": ("012345678901", "text here, but a number to other YAML readers"),
}
REFUSED = {
    "0777": "511, an octal number",
    "000123": "83, an octal number",
    "22:22": "1342, a number to the base 60",
    "1:30:15.5": "5415.5, a number to the base 60",
    "1.10": "the number 1.1",
    "3.": "the number 3.0",
    "1e999": "not a finite number",
    ".inf": "not a finite number",
}


@pytest.mark.parametrize("text", QUIET)
def test_nothing_to_say(text: str) -> None:
    assert read_plain(text).surprise is None


@pytest.mark.parametrize("text", WARNED)
def test_warning(tree: Tree, text: str) -> None:
    value, reading = WARNED[text]
    composed = tree.write({"system.yaml": f"a:\n  - {text}\n"}).compose()
    assert composed.data == {"a": [value]}
    [found] = composed.diagnostics
    assert found.severity is Severity.WARNING
    assert (found.code, found.message, found.location, found.path) == (
        codes.AMBIGUOUS_SCALAR,
        f"`{text}` without quotes is {reading}",
        Location("system.yaml", 2, 5),
        ("a", 0),
    )


@pytest.mark.parametrize("text", REFUSED)
def test_error(tree: Tree, text: str) -> None:
    [found] = tree.write({"system.yaml": f"a: {text}\n"}).refusal()
    assert (found.code, found.severity, found.message) == (
        codes.SCALAR_LOSES_TEXT,
        Severity.ERROR,
        f"`{text}` without quotes is {REFUSED[text]}",
    )


@pytest.mark.parametrize("text", [*WARNED, *REFUSED])
def test_quotes_settle_it(tree: Tree, text: str) -> None:
    composed = tree.write({"system.yaml": f'a: "{text}"\n'}).compose()
    assert (composed.data, composed.diagnostics) == ({"a": text}, ())


def test_the_hint_tells_both_ways(tree: Tree) -> None:
    assert tree.write({"system.yaml": "version: 1.10\n"}).refusal() == (
        Diagnostic(
            codes.SCALAR_LOSES_TEXT,
            "`1.10` without quotes is the number 1.1",
            'Quote a version or a name: "1.10". Write 1.1 for the number.',
            Location("system.yaml", 1, 10),
            ("version",),
        ),
    )


def test_a_number_too_long_for_python_stays_text(tree: Tree) -> None:
    digits = "9" * 5000
    assert tree.write({"system.yaml": f"a: {digits}\n"}).compose().data == {"a": digits}


PLAIN = st.text(alphabet="0123456789abefxinNoOyYtTuUrRsS~.:_+-", max_size=8)


@given(PLAIN)
def test_the_value_is_omegaconfs(text: str) -> None:
    theirs = as_omegaconf(text)
    if theirs is None:
        return
    ours = read_plain(text).value
    assert type(ours) is type(theirs[0])
    assert ours == theirs[0] or (isinstance(ours, float) and math.isnan(ours))


def as_omegaconf(text: str) -> tuple[object] | None:
    """The value in a tuple, or None where YAML makes something else than one scalar of the text."""
    try:
        loaded = OmegaConf.to_container(OmegaConf.create(f"a: {text}"))
    except Exception:
        return None
    is_scalar = isinstance(loaded, dict) and not isinstance(loaded.get("a"), dict | list)
    return (loaded["a"],) if is_scalar and text.strip() == text and not text.startswith("-") else None


@given(st.sampled_from(["a: {}\n", "a:\n  - {}\n", "a: [x, {}]\n"]), st.sampled_from(sorted(REFUSED)))
def test_position_in_every_form(form: str, text: str) -> None:
    from mlops_iac.compose.findings import Findings
    from mlops_iac.compose.limits import Limits
    from mlops_iac.compose.tree import Source
    from mlops_iac.compose.yaml_reader import read_yaml

    written = form.replace("{}", text)
    findings = Findings()
    read_yaml(Source("s", written), Limits(), findings)
    [found] = findings.diagnostics()
    assert found.location is not None
    line = written.splitlines()[found.location.line - 1]
    assert line[found.location.column - 1 :].startswith(text)
