"""Overrides that do not fit: the place is a column in the override's own text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.compose import Limits, codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.overrides import parse_overrides
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location

from .conftest import Tree, brief

SYSTEM = "buckets:\n  raw: {keep: 400d, tags: {a: x}}\nlist: [1, {k: 2}]\nreference: ${buckets.raw}\nnothing: null\n"


def said(
    override: str,
    column: int,
    code: str,
    message: str,
    hint: str,
    path: ConfigPath = (),
    related: tuple[tuple[str, Location], ...] = (),
) -> object:
    location = Location("override", 1, column, override)
    return pytest.param(override, Diagnostic(code, message, hint, location, path, related=related), id=override)


REFUSED = [
    said(
        "buckets.raw.keeep=1d",
        1,
        codes.OVERRIDE_KEY_MISSING,
        "`buckets.raw.keeep` does not exist",
        "Did you mean `buckets.raw.keep`? To add a key, write +buckets.raw.keeep=1d.",
        ("buckets", "raw", "keeep"),
    ),
    said(
        "bucket.raw.keep=1d",
        1,
        codes.OVERRIDE_KEY_MISSING,
        "`bucket` does not exist",
        "Did you mean `buckets`? To add a key, write +bucket.raw.keep=1d.",
        ("bucket", "raw", "keep"),
    ),
    said(
        "buckets.raw={tags: {b: y}}",
        1,
        codes.OVERRIDE_KEY_MISSING,
        "`buckets.raw.tags.b` does not exist",
        "To add a key, write +buckets.raw={tags: {b: y}}.",
        ("buckets", "raw"),
    ),
    said(
        "+buckets.raw.keep=1d",
        2,
        codes.OVERRIDE_KEY_EXISTS,
        "`buckets.raw.keep` has a value already",
        "To change it, write buckets.raw.keep=1d.",
        ("buckets", "raw", "keep"),
    ),
    said(
        "~buckets.rwa",
        2,
        codes.OVERRIDE_KEY_MISSING,
        "`buckets.rwa` does not exist",
        "Did you mean `buckets.raw`? If it is gone already, leave the override out.",
        ("buckets", "rwa"),
    ),
    said(
        "~buckets.raw.keep=1d",
        2,
        codes.OVERRIDE_REFUSED,
        "`buckets.raw.keep` is not '1d', so it is not removed",
        "To remove it whatever it is, write ~buckets.raw.keep.",
        ("buckets", "raw", "keep"),
    ),
    said(
        "~list.0",
        2,
        codes.OVERRIDE_REFUSED,
        "`list.0` is an item of a list",
        "Items cannot be removed one by one; give the whole list.",
        ("list", "0"),
    ),
    said(
        "list.7=x",
        1,
        codes.OVERRIDE_KEY_MISSING,
        "the list `list` has no item `7`",
        "Its items are 0 to 1; to add or remove items, give the whole list.",
        ("list", "7"),
    ),
    said(
        "reference.keep=1d",
        1,
        codes.OVERRIDE_REFUSED,
        "`reference` is taken from ${buckets.raw}",
        "Override the value that it points at, or replace it as a whole.",
        ("reference", "keep"),
    ),
    said(
        "buckets.raw=[1]",
        13,
        codes.MERGE_CONFLICT,
        "`buckets.raw` is a mapping, and the override makes it a list",
        "Give a mapping; to change what it is, remove it first with ~buckets.raw.",
        ("buckets", "raw"),
        (("set here", Location("system.yaml", 2, 3)),),
    ),
    said(
        "buckets.raw.keep=1d,2d",
        18,
        codes.SWEEP,
        "the override `buckets.raw.keep=1d,2d` gives several values to try one after another",
        "Run once for each value; for a list write buckets.raw.keep=[1d,2d], for one text buckets.raw.keep='1d,2d'.",
    ),
    said(
        "list.0=range(1,5)",
        8,
        codes.SWEEP,
        "the override `list.0=range(1,5)` gives several values to try one after another",
        "Run once for each value.",
    ),
    said(
        "list.0=glob(*)",
        8,
        codes.SWEEP,
        "the override `list.0=glob(*)` gives several values to try one after another",
        "Run once for each value.",
    ),
    said(
        "keep",
        5,
        codes.BAD_OVERRIDE,
        "the override `keep` has no `=`",
        "Write keep=VALUE, or ~keep to remove the key.",
    ),
    said(
        "list[0]=1",
        5,
        codes.BAD_OVERRIDE,
        "the override `list[0]=1` has a key that cannot be read",
        "Write the key as names joined by dots: buckets.raw.keep=400d.",
    ),
    said(
        "nothing=a=b",
        10,
        codes.BAD_OVERRIDE,
        "the override `nothing=a=b` has a value that cannot be read",
        "Quote the value (and protect the quotes from your shell): nothing='a=b'.",
    ),
    said("=1", 1, codes.BAD_OVERRIDE, "the override `=1` has no key", "Write key=value."),
    said(
        "nothing=1.10",
        9,
        codes.SCALAR_LOSES_TEXT,
        "`1.10` without quotes is the number 1.1",
        'Quote a version or a name: "1.10". Write 1.1 for the number. '
        "Protect the quotes from your shell: 'nothing=\"1.10\"'.",
        ("nothing",),
    ),
    said(
        "nothing={1: x}",
        9,
        codes.NON_STRING_KEY,
        "the key `1` in the override is not text",
        "Keys are text; start the name with a letter.",
        ("nothing",),
    ),
    said(
        "hydra.run.dir=/tmp",
        1,
        codes.HYDRA_KEY,
        "the override `hydra.run.dir=/tmp` changes Hydra's own settings",
        "Remove it: only the system's configuration can be overridden.",
    ),
    said(
        "nothing=${buckets.rwa}",
        9,
        codes.INTERPOLATION_TARGET,
        "`${buckets.rwa}` points at nothing: there is no `buckets.rwa`",
        "Did you mean `buckets.raw`?",
        ("nothing",),
    ),
    said(
        "nothing=???",
        9,
        codes.MISSING_VALUE,
        "`nothing` has no value yet",
        "Replace ??? by a value, or add nothing=VALUE to the command.",
        ("nothing",),
    ),
]


@pytest.mark.parametrize(("override", "expected"), REFUSED)
def test_refused(tree: Tree, override: str, expected: Diagnostic) -> None:
    found = tree.write({"system.yaml": SYSTEM}).refusal(override)
    assert found == (expected,)
    assert found[0].location is not None
    assert found[0].location.text == override


def test_all_at_once(tree: Tree) -> None:
    tree.write({"system.yaml": SYSTEM})
    assert brief(tree.refusal("x", "a.b=1", "buckets.raw.keep=2d", "~c", "list=1,2")) == [
        "MI1041 override:1:1: `a` does not exist",
        "MI1040 override:1:2: the override `x` has no `=`",
        "MI1041 override:1:2: `c` does not exist",
        "MI1044 override:1:6: the override `list=1,2` gives several values to try one after another",
    ]


def test_removed_null(tree: Tree) -> None:
    assert "nothing" not in tree.write({"system.yaml": SYSTEM}).compose("~nothing").data


def test_keys_that_yaml_would_read_as_booleans(tree: Tree) -> None:
    """``on:`` in a file and ``on`` in an override are the same key, unlike in Hydra."""
    tree.write({"system.yaml": "retraining: {on: [drift]}\n"})
    assert tree.compose("retraining.on=[schedule]").data == {"retraining": {"on": ["schedule"]}}


def test_warning_for_an_ambiguous_number(tree: Tree) -> None:
    composed = tree.write({"system.yaml": "a: 1\n"}).compose("a=1e3")
    assert composed.data == {"a": 1000.0}
    assert brief(composed.diagnostics) == ["MI1020 override:1:3: `1e3` without quotes is the number 1000.0"]


@pytest.mark.parametrize(
    "override",
    [
        "a=" + "[" * 200 + "]" * 200,
        "a=" + "x" * 9000,
        "a=" + "['(',".replace("'('", "')'") * 300,
        ".".join("a" * 40) + "=1",
    ],
    ids=["nested", "long", "hidden nesting", "long key"],
)
def test_too_large(tree: Tree, override: str) -> None:
    [found] = tree.write({"system.yaml": "a: 1\n"}).refusal(override)
    assert found.code in (codes.TOO_LARGE, codes.BAD_OVERRIDE)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\udcff"])
def test_characters_that_no_text_has(tree: Tree, character: str) -> None:
    tree.write({"system.yaml": "a: 1\n"})
    assert brief(tree.refusal(f"a='x{character}'")) == [
        f"MI1040 override:1:5: the override holds the character U+{ord(character):04X}"
    ]


def test_too_many(tree: Tree) -> None:
    tree.write({"system.yaml": "a: 1\n"})
    assert [d.code for d in tree.refusal(*["a=1"] * 4, limits=Limits(overrides=3))] == [codes.TOO_LARGE]
    assert [d.code for d in tree.refusal(*["a=1"] * 5, limits=Limits(override_characters=3))] == [codes.TOO_LARGE]


@given(st.text(alphabet="ab.=+~@/[]{}(),:'\"\\$ 01\t\n\x00é", max_size=20))
def test_any_text_is_read_or_reported(text: str) -> None:
    findings = Findings()
    read = parse_overrides([text], Limits(), findings)
    assert read or findings.diagnostics()
    for found in findings.diagnostics():
        assert found.hint
        assert found.location is not None
        assert 1 <= found.location.column <= len(text) + 1
