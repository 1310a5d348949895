"""Texts that are not the YAML they should be: what is said, where, and what to do about it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_iac.compose import ComposeRequest, Limits, codes, compose
from mlops_iac.diagnostics import ConfigPath, Diagnostic, DiagnosticsError, Location

from .conftest import Tree, brief

System = Callable[[str], Tree]


def at(line: int, column: int, file: str = "system.yaml") -> Location:
    return Location(file, line, column)


BROKEN = [
    pytest.param(
        "a:\n\tb: 1\n",
        Diagnostic(
            codes.TAB_INDENTATION,
            "the line is indented with a tab",
            "Indent with spaces; YAML does not allow tabs there.",
            at(2, 1),
        ),
        id="tab",
    ),
    pytest.param(
        "a: 1\nb: {c: [1, 2}\n",
        Diagnostic(
            codes.BAD_YAML,
            "the YAML is broken: a bracket that is not closed, or a comma that is missing",
            "Close the bracket, separate entries with commas, and quote texts that contain brackets or commas.",
            at(2, 8),
        ),
        id="bracket",
    ),
    pytest.param(
        "a: [1,\n  2\nb: 2\n",
        Diagnostic(
            codes.BAD_YAML,
            "the YAML is broken: a bracket that is not closed, or a comma that is missing",
            "Close the bracket, separate entries with commas, and quote texts that contain brackets or commas.",
            at(1, 4),
            related=(("noticed here", at(3, 2)),),
        ),
        id="bracket over lines",
    ),
    pytest.param(
        "a: 'x\nb: 1\n",
        Diagnostic(
            codes.BAD_YAML,
            "the YAML is broken: a quoted text that is never closed",
            "Add the closing quote.",
            at(1, 4),
        ),
        id="quote",
    ),
    pytest.param(
        "a: b: c\n",
        Diagnostic(
            codes.BAD_YAML,
            "the YAML is broken: a `:` stands where no key can be",
            "Quote the value if it contains `: `, and check the indentation of this line against the one above.",
            at(1, 5),
        ),
        id="colon",
    ),
    pytest.param(
        "a: @x\n",
        Diagnostic(
            codes.BAD_YAML,
            "the YAML is broken: a character that cannot start a value",
            'Quote the value: "...".',
            at(1, 4),
        ),
        id="at sign",
    ),
    pytest.param(
        "a: 1\n---\nb: 2\n",
        Diagnostic(
            codes.BAD_YAML,
            "the file holds a second YAML document",
            "Remove the `---` line, or move what follows it to a file of its own.",
            at(2, 1),
        ),
        id="second document",
    ),
    pytest.param(
        "a: *b\n",
        Diagnostic(
            codes.BAD_YAML,
            "the alias `*b` repeats a value that is not defined before it",
            "Mark the value with `&b` further up, or quote the text if no alias is meant.",
            at(1, 4),
            ("a",),
        ),
        id="unknown alias",
    ),
    pytest.param(
        "a: &x [*x]\n",
        Diagnostic(
            codes.RECURSIVE_ALIAS,
            "the alias `*x` stands inside the value that it repeats",
            "Write the inner value out; a value cannot contain itself.",
            at(1, 8),
            ("a", 0),
            related=(("the value starts here", at(1, 4)),),
        ),
        id="recursive alias",
    ),
    pytest.param(
        "",
        Diagnostic(codes.EMPTY_FILE, "the file is empty", "Describe the system in it.", at(1, 1)),
        id="empty",
    ),
    pytest.param(
        "# nothing yet\n",
        Diagnostic(codes.EMPTY_FILE, "the file is empty", "Describe the system in it.", at(1, 1)),
        id="only a comment",
    ),
    pytest.param(
        "- a\n",
        Diagnostic(
            codes.NOT_A_MAPPING,
            "the file holds a list, not a mapping",
            "Write keys and values at the top level: `name: value`.",
            at(1, 1),
        ),
        id="list",
    ),
    pytest.param(
        "just text\n",
        Diagnostic(
            codes.NOT_A_MAPPING,
            "the file holds a single value, not a mapping",
            "Write keys and values at the top level: `name: value`.",
            at(1, 1),
        ),
        id="scalar",
    ),
    pytest.param(
        'a: "x\x07"\n',
        Diagnostic(
            codes.NOT_UTF8,
            "the file holds the character U+0007, which YAML does not allow",
            'Delete it, or write it as an escape inside double quotes, for example "\\u001b".',
            at(1, 6),
        ),
        id="control character",
    ),
    pytest.param(
        "a: 1\nb:\n  c: 1\n  c: 2\n",
        Diagnostic(
            codes.DUPLICATE_KEY,
            "the key `c` is written twice in one mapping",
            "Keep one of the two; YAML readers would silently take the last.",
            at(4, 3),
            ("b", "c"),
            related=(("first written here", at(3, 3)),),
        ),
        id="duplicate key",
    ),
    pytest.param(
        "a: {7: x}\n",
        Diagnostic(
            codes.NON_STRING_KEY, "the key `7` is not text to YAML but a number", 'Quote it: "7".', at(1, 5), ("a",)
        ),
        id="number as key",
    ),
    pytest.param(
        "a: {null: x}\n",
        Diagnostic(
            codes.NON_STRING_KEY, "the key `null` is not text to YAML but null", 'Quote it: "null".', at(1, 5), ("a",)
        ),
        id="null as key",
    ),
    pytest.param(
        "a: {{x}}\n",
        Diagnostic(
            codes.NON_STRING_KEY,
            "a mapping stands where a key is expected",
            "Keys are text. If the value should be a `${...}` or start with a bracket, quote it.",
            at(1, 5),
            ("a",),
        ),
        id="mapping as key",
    ),
    pytest.param(
        "a: !!binary aGk=\n",
        Diagnostic(
            codes.FORBIDDEN_TAG,
            "the tag `!!binary` is not allowed",
            "Remove the tag: values are plain text, numbers, booleans, lists and mappings.",
            at(1, 4),
            ("a",),
        ),
        id="tag",
    ),
    pytest.param(
        "a: !!int x\n",
        Diagnostic(
            codes.BAD_YAML,
            "`x` is not a value of the type !!int",
            "Remove the tag !!int, or correct the value.",
            at(1, 4),
            ("a",),
        ),
        id="value does not fit its tag",
    ),
    pytest.param(
        "a: {<<: 1}\n",
        Diagnostic(
            codes.BAD_YAML,
            "`<<` takes over the entries of a mapping, and this is a single value",
            "Point it at a mapping, as in `<<: *defaults`.",
            at(1, 9),
            ("a",),
        ),
        id="merge of a scalar",
    ),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_broken_text(system: System, text: str, expected: Diagnostic) -> None:
    assert system(text).refusal() == (expected,)


def test_all_errors_of_all_files_at_once(tree: Tree) -> None:
    tree.write(
        {
            "system.yaml": "defaults: [{env: dev}, {size: small}]\na: 1\na: 2\n7: x\nv: 1.10\nr: ${nowhere}\n",
            "env/dev.yaml": "b: 1\nb: 2\n",
            "size/small.yaml": "- 1\n",
        }
    )
    assert brief(tree.refusal("q=1", "x")) == [
        "MI1008 env/dev.yaml:2:1: the key `b` is written twice in one mapping",
        "MI1040 override:1:2: the override `x` has no `=`",
        "MI1011 size/small.yaml:1:1: the file holds a list, not a mapping",
        "MI1008 system.yaml:3:1: the key `a` is written twice in one mapping",
        "MI1012 system.yaml:4:1: the key `7` is not text to YAML but a number",
        "MI1021 system.yaml:5:4: `1.10` without quotes is the number 1.1",
    ]


def test_errors_within_a_file_do_not_hide_those_of_later_steps(system: System) -> None:
    tree = system("a: 1\na: 2\nr: ${nowhere}\nm: ???\n")
    assert brief(tree.refusal("q=1")) == [
        "MI1041 override:1:1: `q` does not exist",
        "MI1008 system.yaml:2:1: the key `a` is written twice in one mapping",
        "MI1050 system.yaml:3:4: `${nowhere}` points at nothing: there is no `nowhere`",
        "MI1060 system.yaml:4:4: `m` has no value yet",
    ]


def test_not_utf8(tree: Tree) -> None:
    tree.write({"system.yaml": b"a: 1\nb: caf\xe9\n"})
    assert tree.refusal() == (
        Diagnostic(
            codes.NOT_UTF8,
            "the file is not UTF-8: byte 0xE9 at offset 11",
            "Save the file as UTF-8.",
            at(2, 7),
        ),
    )


def test_utf16_is_recognised(tree: Tree) -> None:
    tree.write({"system.yaml": "a: 1\n".encode("utf-16")})
    [found] = tree.refusal()
    assert (found.code, found.hint) == (codes.NOT_UTF8, "The file looks like UTF-16: save it as UTF-8.")


def test_byte_order_mark_is_no_part_of_the_text(tree: Tree) -> None:
    tree.write({"system.yaml": b"\xef\xbb\xbfa: 1\n"})
    composed = tree.compose()
    assert composed.data == {"a": 1}
    assert composed.location_of(("a",)) == at(1, 1)


def test_columns_count_characters_not_bytes(system: System) -> None:
    assert system('é: {ü: "日本", ö: 1, ö: 2}\n').refusal()[0].location == at(1, 20)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        compose(ComposeRequest(tmp_path / "nothing"))
    assert caught.value.diagnostics == (
        Diagnostic(
            codes.FOLDER_MISSING,
            f"there is no folder {tmp_path / 'nothing'}",
            "Give the folder that holds system.yaml with -C.",
        ),
    )


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text("a: 1\n")
    with pytest.raises(DiagnosticsError) as caught:
        compose(ComposeRequest(tmp_path / "system.yaml"))
    assert caught.value.diagnostics[0].message == f"the folder {tmp_path / 'system.yaml'} is not a folder"


def test_missing_primary_names_what_is_there(tree: Tree) -> None:
    tree.write({"sytem.yaml": "a: 1\n", "notes.txt": ""})
    assert tree.refusal() == (
        Diagnostic(
            codes.SYSTEM_FILE_MISSING,
            "the folder has no system.yaml",
            "Did you mean `sytem`? The folder holds sytem. "
            "Create system.yaml, or give the folder that holds it with -C.",
            at(1, 1),
        ),
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tree: Tree) -> None:
    tree.write({"system.yaml": "a: 1\n"})
    (tree.root / "system.yaml").chmod(0)
    assert brief(tree.refusal()) == ["MI1003 system.yaml:1:1: system.yaml cannot be read: permission denied"]


def test_folder_in_place_of_a_file(tree: Tree) -> None:
    (tree.root / "system.yaml").mkdir()
    assert brief(tree.refusal()) == ["MI1003 system.yaml:1:1: system.yaml cannot be read: is a directory"]


def test_named_pipe_does_not_make_the_run_wait(tree: Tree) -> None:
    os.mkfifo(tree.root / "system.yaml")
    assert stat.S_ISFIFO((tree.root / "system.yaml").stat().st_mode)
    assert brief(tree.refusal()) == ["MI1003 system.yaml:1:1: system.yaml cannot be read: it is not a regular file"]


def test_link_to_itself(tree: Tree) -> None:
    (tree.root / "system.yaml").symlink_to("system.yaml")
    [found] = tree.refusal()
    assert found.code == codes.UNREADABLE


KEYS = [
    ("on: 1", {"on": 1}),
    ("yes: {no: 1, Off: 2}", {"yes": {"no": 1, "Off": 2}}),
    ("y: 1", {"y": 1}),
    ('"7": 1', {"7": 1}),
    ("a.b/c: 1", {"a.b/c": 1}),
    ("2027-03-31: 1", {"2027-03-31": 1}),
]


@pytest.mark.parametrize(("text", "expected"), KEYS)
def test_keys_stay_text(system: System, text: str, expected: dict[str, object]) -> None:
    composed = system(text).compose()
    assert composed.data == expected
    assert composed.diagnostics == ()


ALIASES = [
    ("x: &x {a: 1}\ny: *x\n", {"x": {"a": 1}, "y": {"a": 1}}),
    ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3, c: 4}\n", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3, "c": 4}}),
    (
        "x: &x {a: 1}\nz: &z {a: 2, d: 5}\ny: {<<: [*x, *z], c: 4}\n",
        {"x": {"a": 1}, "z": {"a": 2, "d": 5}, "y": {"a": 1, "d": 5, "c": 4}},
    ),
    ("k: &k name\n*k : 1\n", {"k": "name", "name": 1}),
    ("a: !!str 010\nb: ! 7\nc: !!seq [1]\n", {"a": "010", "b": "7", "c": [1]}),
]


@pytest.mark.parametrize(("text", "expected"), ALIASES)
def test_aliases_and_plain_tags(system: System, text: str, expected: dict[str, object]) -> None:
    assert system(text).compose().data == expected


def test_repeated_values_share_nothing_in_the_result(system: System) -> None:
    data = system("x: &x {a: [1]}\ny: *x\nz: ${x}\n").compose().data
    assert len({id(data[key]) for key in "xyz"}) == 3
    assert len({id(data[key]["a"]) for key in "xyz"}) == 3


def test_anchor_defined_twice(system: System) -> None:
    [found] = system("a: &x 1\nb: &x 2\n").refusal()
    assert (found.location, found.path, found.related) == (at(2, 4), ("b",), (("first defined here", at(1, 4)),))


def test_empty_group_file_sets_nothing_and_says_so(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [_self_, {size: small}]\na: 1\n", "size/small.yaml": "# nothing\n"})
    composed = tree.compose()
    assert composed.data == {"a": 1, "size": {}}
    assert brief(composed.diagnostics) == ["MI1004 size/small.yaml:1:1: the file is empty"]


def test_more_errors_than_are_worth_listing(system: System) -> None:
    tree = system("".join(f"k{n}: 1.10\n" for n in range(10)))
    found = tree.refusal(limits=Limits(findings=3))
    assert [d.code for d in found] == [codes.SCALAR_LOSES_TEXT] * 3 + [codes.MORE_ERRORS]
    assert found[-1].message == "7 further errors are not listed"


def test_warnings_do_not_crowd_out_errors(system: System) -> None:
    tree = system("".join(f"k{n}: no\n" for n in range(10)) + "v: 1.10\n")
    assert codes.SCALAR_LOSES_TEXT in {d.code for d in tree.refusal(limits=Limits(findings=3))}


def test_missing_values_are_located(system: System) -> None:
    path: ConfigPath = ("a", "b", 1)
    assert system("a:\n  b: [1, '???']\n").refusal() == (
        Diagnostic(
            codes.MISSING_VALUE,
            "`a.b[1]` has no value yet",
            "Replace ??? by a value, or add a.b[1]=VALUE to the command.",
            at(2, 10),
            path,
        ),
    )
