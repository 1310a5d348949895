"""Where a value comes from, and the way back."""

import pytest

from mlops_iac.compose import Composition, Description, Origin, Replaced, describe, paths_at
from mlops_iac.diagnostics import Location

from .conftest import Tree

FILES = {
    "system.yaml": """\
defaults:
  - env: dev
  - _self_
a:
  b: &shared
    c: 1
  copy: *shared
list:
  - x
  - {k: v}
note: |
  first
  second

env:
  size: 2
ref: ${a.b}
text: up to ${env.size}
""",
    "env/dev.yaml": "name: dev\nsize: 1\nzones: [1, 2, 3]\n",
    "env/prod.yaml": "name: prod\nsize: 9\nzones: [4]\n",
}


@pytest.fixture
def composed(tree: Tree) -> Composition:
    return tree.write(FILES).compose("env=prod", "env.zones=[7,8]", "+a.b.d.e=x")


def at(line: int, column: int, file: str = "system.yaml") -> Location:
    return Location(file, line, column)


def override(text: str, column: int) -> Location:
    return Location("override", 1, column, text)


def test_origin_of_a_key_in_the_system_file(composed: Composition) -> None:
    assert composed.origins[("a", "b", "c")] == Origin(at(6, 5), at(6, 8))


def test_origin_in_a_group_file(composed: Composition) -> None:
    assert composed.origins[("env", "name")] == Origin(
        at(1, 1, "env/prod.yaml"), at(1, 7, "env/prod.yaml"), group="env=prod"
    )


def test_the_last_source_wins_for_each_key(composed: Composition) -> None:
    assert composed.origins[("env", "size")] == Origin(at(16, 3), at(16, 9))
    assert composed.origins[("env",)] == Origin(at(15, 1), at(16, 3))


def test_lists_are_replaced_with_all_their_places(composed: Composition) -> None:
    zones = "env.zones=[7,8]"
    assert composed.data["env"]["zones"] == [7, 8]
    assert composed.origins[("env", "zones")] == Origin(override(zones, 1), override(zones, 11), override=zones)
    assert ("env", "zones", 2) not in composed.origins
    assert composed.origins[("env", "zones", 1)].override == zones


def test_override_that_makes_a_mapping_on_its_way(composed: Composition) -> None:
    added = "+a.b.d.e=x"
    assert composed.origins[("a", "b", "d", "e")] == Origin(override(added, 2), override(added, 10), override=added)
    assert composed.origins[("a", "b", "d")].override == added
    assert composed.origins[("a", "b")] == Origin(at(5, 3), at(5, 6))


def test_interpolated_value_is_placed_at_its_own_text(composed: Composition) -> None:
    assert composed.origins[("ref",)] == Origin(at(17, 1), at(17, 6), interpolation="${a.b}")
    assert composed.data["ref"] == {"c": 1, "d": {"e": "x"}}
    assert composed.origin_of(("ref", "c")) == composed.origins[("ref",)]
    assert composed.data["text"] == "up to 2"
    assert composed.origins[("text",)].interpolation == "up to ${env.size}"


def test_list_item_is_its_own_key(composed: Composition) -> None:
    assert composed.origins[("list", 0)] == Origin(at(9, 5), at(9, 5))
    assert composed.origins[("list", 1, "k")] == Origin(at(10, 6), at(10, 9))


def test_alias_has_the_place_of_its_use_and_its_content_that_of_the_anchor(composed: Composition) -> None:
    assert composed.origins[("a", "copy")] == Origin(at(7, 3), at(7, 9))
    assert composed.origins[("a", "copy", "c")] == Origin(at(6, 5), at(6, 8))


def test_every_path_of_the_data_has_an_origin_and_no_other(composed: Composition) -> None:
    def paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return {p for key, child in items for p in {(*path, key)} | paths(child, (*path, key))}

    without_interpolated = {key: value for key, value in composed.data.items() if key != "ref"}
    assert set(composed.origins) == paths(without_interpolated) | {("ref",)}


def test_replaced_values_latest_first(composed: Composition) -> None:
    assert describe(composed, ("env", "size")) == Description(
        path=("env", "size"),
        exists=True,
        value=2,
        origin=Origin(at(16, 3), at(16, 9)),
        origin_path=("env", "size"),
        replaced=(Replaced(9, Origin(at(2, 1, "env/prod.yaml"), at(2, 7, "env/prod.yaml"), group="env=prod")),),
    )
    assert [r.value for r in describe(composed, ("env", "zones")).replaced] == [[4]]
    assert dict(composed.replaced).keys() == {("env", "size"), ("env", "zones")}


def test_description_of_a_value_below_an_interpolation(composed: Composition) -> None:
    described = describe(composed, ("ref", "d", "e"))
    assert (described.value, described.origin_path, described.inherited) == ("x", ("ref",), True)


def test_description_of_what_does_not_exist(composed: Composition) -> None:
    described = describe(composed, ("a", "nothing"))
    assert (described.exists, described.value, described.origin_path) == (False, None, ("a",))
    assert describe(composed, ("nothing",)).origin is None


LINES = [
    ("system.yaml", 6, [("a", "b", "c"), ("a", "copy", "c")]),
    ("system.yaml", 5, [("a", "b")]),
    ("system.yaml", 10, [("list", 1), ("list", 1, "k")]),
    ("system.yaml", 11, [("note",)]),
    ("system.yaml", 13, [("note",)]),
    ("system.yaml", 14, []),
    ("system.yaml", 1, []),
    ("env/prod.yaml", 1, [("env", "name")]),
    ("env/prod.yaml", 2, []),
    ("override", 1, []),
    ("nothing.yaml", 1, []),
]


@pytest.mark.parametrize(("file", "line", "expected"), LINES)
def test_paths_of_a_line(composed: Composition, file: str, line: int, expected: list[tuple[str | int, ...]]) -> None:
    assert paths_at(composed, file, line) == expected


def test_texts_of_all_sources(composed: Composition) -> None:
    assert composed.sources == {"system.yaml": FILES["system.yaml"], "env/prod.yaml": FILES["env/prod.yaml"]}
