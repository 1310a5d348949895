"""Which files are taken, and what is said when they cannot be."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_iac.compose import Limits, codes
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location

from .conftest import Tree, brief

ENVIRONMENTS = {"env/dev.yaml": "name: dev\nsize: 1\n", "env/prod.yaml": "name: prod\nsize: 3\n"}
SYSTEM = "defaults:\n  - env: dev\n  - _self_\na: 1\n"


def at(line: int, column: int, file: str = "system.yaml") -> Location:
    return Location(file, line, column)


def override(text: str, column: int) -> Location:
    return Location("override", 1, column, text)


def test_defaults_themselves_do_not_appear(tree: Tree) -> None:
    composed = tree.write({"system.yaml": SYSTEM, **ENVIRONMENTS}).compose()
    assert composed.data == {"env": {"name": "dev", "size": 1}, "a": 1}
    assert composed.choices == {"env": "dev"}
    assert set(composed.sources) == {"system.yaml", "env/dev.yaml"}


def test_group_choice_on_the_command_line(tree: Tree) -> None:
    composed = tree.write({"system.yaml": SYSTEM, **ENVIRONMENTS}).compose("env=prod")
    assert composed.data["env"] == {"name": "prod", "size": 3}
    assert composed.choices == {"env": "prod"}


def test_the_users_file_wins_over_the_shipped_one(tree: Tree) -> None:
    composed = tree.write({"system.yaml": SYSTEM, "env/dev.yaml": "name: mine\n"}).compose()
    assert composed.data["env"] == {"name": "mine"}


def test_the_users_file_extends_the_shipped_one_of_its_name(tree: Tree) -> None:
    tree.write({"system.yaml": SYSTEM, "env/dev.yaml": "defaults: [dev, _self_]\nmulti_az: true\n"})
    composed = tree.compose()
    assert composed.data["env"]["multi_az"] is True
    assert composed.data["env"]["name"] == "dev"
    assert composed.data["env"]["deletion_window"] == "7d"
    assert str(composed.location_of(("env", "multi_az"))) == "env/dev.yaml:2:1"
    origin = composed.origins[("env", "name")]
    assert (origin.key.file, origin.group) == ("pkg:configs/env/dev.yaml", "env=dev")
    assert composed.choices == {"env": "dev"}


def test_without_a_shipped_file_a_files_own_name_is_a_circle(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [{size: small}]\n", "size/small.yaml": "defaults: [small]\n"})
    assert brief(tree.refusal()) == [
        "MI1034 size/small.yaml:1:12: the defaults lists go round in a circle: size/small -> size/small"
    ]


def test_circle_over_files(tree: Tree) -> None:
    tree.write(
        {
            "system.yaml": "defaults: [{one: a}]\n",
            "one/a.yaml": "defaults: [/one/b]\n",
            "one/b.yaml": "defaults:\n  - /one/a\n",
        }
    )
    assert tree.refusal() == (
        Diagnostic(
            codes.DEFAULTS_CYCLE,
            "the defaults lists go round in a circle: one/a -> one/b -> one/a",
            "Remove one of these items.",
            at(2, 5, "one/b.yaml"),
        ),
    )


def test_too_many_files(tree: Tree) -> None:
    names = [f"f{n}" for n in range(9)]
    tree.write({"system.yaml": f"defaults: [{', '.join(names)}]\n", **{f"{name}.yaml": "{}" for name in names}})
    assert tree.compose(limits=Limits(files=10)).data == {}
    assert brief(tree.refusal(limits=Limits(files=9))) == [
        "MI1009 system.yaml:1:12: the defaults lists bring in more than 9 files"
    ]


def test_files_that_include_each_other_twice_do_not_multiply(tree: Tree) -> None:
    """2 to the power of 30 visits if nobody counted."""
    levels = {f"f{n}.yaml": f"defaults: [f{n + 1}@a, f{n + 1}@b]\n" for n in range(30)}
    tree.write({"system.yaml": "defaults: [f0]\n", **levels, "f30.yaml": "x: 1\n"})
    assert [d.code for d in tree.refusal()] == [codes.TOO_LARGE]


CHOICES = [
    (
        ["env=prdo"],
        Diagnostic(
            codes.OPTION_MISSING,
            "the group `env` has no option `prdo`",
            "Did you mean `prod`? Available: dev, prod, staging.",
            override("env=prdo", 5),
        ),
    ),
    (
        ["+evn@x=dev"],
        Diagnostic(
            codes.OPTION_MISSING,
            "there is no group `evn`",
            "Did you mean `env`? Groups: env, security, size.",
            override("+evn@x=dev", 2),
        ),
    ),
    (
        ["size=small"],
        Diagnostic(
            codes.GROUP_NOT_USED,
            "the defaults lists do not choose from the group `size`",
            "To add the group, write +size=small, or add it to `defaults`.",
            override("size=small", 1),
        ),
    ),
    (
        ["~size"],
        Diagnostic(
            codes.GROUP_NOT_USED,
            "the defaults lists do not choose from the group `size`",
            "Remove this, or add the group to `defaults`.",
            override("~size", 2),
        ),
    ),
    (
        ["~env=prod"],
        Diagnostic(
            codes.GROUP_NOT_USED,
            "the defaults lists do not choose `prod` from the group `env`",
            "It is used as env.",
            override("~env=prod", 2),
        ),
    ),
    (
        ["++env=dev"],
        Diagnostic(
            codes.BAD_OVERRIDE,
            "`env` is a group, and a group is chosen with one `+` or none",
            "Write +env=dev to add it to the defaults list, or env=dev to change it.",
            override("++env=dev", 3),
        ),
    ),
    (
        ["env=null"],
        Diagnostic(
            codes.BAD_OVERRIDE,
            "`env` is a group, so its value is the name of an option",
            "Write env=OPTION, or ~env for none.",
            override("env=null", 5),
        ),
    ),
    (
        ["+env=prod"],
        Diagnostic(
            codes.BAD_DEFAULTS,
            "the defaults list cannot be followed: the group `env` is chosen from twice",
            "Keep one; to change a choice made elsewhere, write `override env`, or env=OPTION.",
            override("+env=prod", 6),
        ),
    ),
]


@pytest.mark.parametrize(
    ("overrides", "expected"), CHOICES, ids=lambda value: str(value) if isinstance(value, list) else ""
)
def test_wrong_choice(tree: Tree, overrides: list[str], expected: Diagnostic) -> None:
    tree.write({"system.yaml": SYSTEM, **ENVIRONMENTS, "size/small.yaml": "x: 1\n"})
    assert tree.refusal(*overrides) == (expected,)


ITEMS = [
    ("env: prdo", "MI1031 system.yaml:2:10: the group `env` has no option `prdo`"),
    ("evn: dev", "MI1031 system.yaml:2:10: there is no group `evn`"),
    ("nothing", "MI1031 system.yaml:2:5: there is no file `nothing.yaml`"),
    ("env: ???", "MI1033 system.yaml:2:10: no option of the group `env` is chosen"),
    ("env: on", "MI1030 system.yaml:2:10: the option of `env` is `true`, which is not text"),
    ("env: {a: b}", "MI1030 system.yaml:2:10: the option of `env` is a mapping with 1 keys"),
    ("5", "MI1030 system.yaml:2:5: an item of `defaults` is `5`, which is not text"),
    ("[env]", "MI1030 system.yaml:2:5: an item of `defaults` is a list"),
    ("{env: dev, size: x}", "MI1030 system.yaml:2:5: an item of `defaults` is a mapping with 2 keys"),
    ("maybe env: dev", "MI1030 system.yaml:2:16: `maybe env` is not a group"),
    ("hydra/launcher: basic", "MI1015 system.yaml:2:5: `hydra/launcher` in `defaults` changes Hydra's own settings"),
    ("env@hydra.run: dev", "MI1015 system.yaml:2:5: `env` in `defaults` changes Hydra's own settings"),
    ("env@a b: dev", "MI1030 system.yaml:2:14: `env@a b` is not a group"),
    ("env@a..b: dev", "MI1030 system.yaml:2:5: `@a..b` is not a place in the configuration"),
    ("_self_@x", "MI1030 system.yaml:2:5: `_self_` is not the name of an option"),
    ("env: _self_", "MI1030 system.yaml:2:5: `_self_` is not the name of an option"),
    ("override env: dev", "MI1035 system.yaml:2:5: the defaults lists do not choose from the group `env`"),
]


@pytest.mark.parametrize(("item", "expected"), ITEMS)
def test_wrong_item(tree: Tree, item: str, expected: str) -> None:
    tree.write({"system.yaml": f"defaults:\n  - {item}\n  - _self_\n", **ENVIRONMENTS})
    found = [line for line in brief(tree.refusal()) if "MI1020" not in line]
    assert found == [expected]


def test_all_wrong_items_at_once(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [{env: a}, {security: b}, c, {d: e}]\n"})
    assert [(str(d.location), d.code) for d in tree.refusal()] == [
        ("system.yaml:1:18", codes.OPTION_MISSING),
        ("system.yaml:1:33", codes.OPTION_MISSING),
        ("system.yaml:1:37", codes.OPTION_MISSING),
        ("system.yaml:1:44", codes.OPTION_MISSING),
    ]


def test_defaults_of_the_wrong_kind(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: {env: dev}\na: 1\n"})
    assert brief(tree.refusal()) == ["MI1030 system.yaml:1:11: `defaults` is a mapping, not a list"]


def test_self_twice(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [_self_, {env: dev}, _self_]\na: 1\n"})
    assert brief(tree.refusal()) == ["MI1030 system.yaml:1:32: `_self_` stands twice in `defaults`"]


def test_override_items_come_last(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [{env: dev}, {override env: prod}, {security: baseline}]\n"})
    assert brief(tree.refusal()) == ["MI1030 system.yaml:1:46: an item follows an `override` item in `defaults`"]


def test_an_open_choice_can_be_made_on_the_command_line(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults:\n  - env: ???\n", **ENVIRONMENTS})
    assert tree.compose("env=prod").choices == {"env": "prod"}


def test_reference_to_another_choice(tree: Tree) -> None:
    tree.write(
        {
            "system.yaml": "defaults: [{env: dev}, {sizes: 'of_${env}'}]\n",
            **ENVIRONMENTS,
            "sizes/of_prod.yaml": "nodes: 3\n",
        }
    )
    assert tree.compose("env=prod").data["sizes"] == {"nodes": 3}
    assert brief(tree.refusal()) == ["MI1031 system.yaml:1:32: the group `sizes` has no option `of_dev`"]


def test_package_comment(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [{size: small}]\n", "size/small.yaml": "# @package a.b\nx: 1\n"})
    assert tree.compose().data == {"a": {"b": {"x": 1}}}


@pytest.mark.parametrize(
    "package", ["hydra.run", "hydra", "_global_.hydra", "a..b", "a b", "a/../b", "_target_", "x." * 9 + "x"]
)
def test_package_comment_that_cannot_be_used(tree: Tree, package: str) -> None:
    tree.write({"system.yaml": "defaults: [{size: small}]\n", "size/small.yaml": f"# @package {package}\nx: 1\n"})
    assert brief(tree.refusal()) == ["MI1030 size/small.yaml:1:1: the `# @package` comment cannot be used"]


def test_mapping_against_list(tree: Tree) -> None:
    tree.write({"system.yaml": "defaults: [{env: dev}, _self_]\nenv:\n  size: {a: 1}\n", "env/dev.yaml": "size: [1]\n"})
    assert tree.refusal() == (
        Diagnostic(
            codes.MERGE_CONFLICT,
            "`env.size` is a mapping here and a list in env/dev.yaml",
            "Give both the same form; lists replace each other, mappings are merged.",
            at(3, 3),
            ("env", "size"),
            related=(("set here before", at(1, 1, "env/dev.yaml")),),
        ),
    )


def test_another_primary_file(tree: Tree) -> None:
    tree.write({"system.yaml": "a: 1\n", "other.yaml": "a: 2\n"})
    assert tree.compose(config_name="other").data == {"a": 2}


GROUPS = st.sampled_from(
    [
        *(
            "env",
            "/env",
            "size",
            "optional size",
            "override env",
            "override /env",
            "env@x",
            "env@_global_",
            "env@_here_",
        ),
        *("env@_group_", "size@env", "optional env", "deep/er", "nothing", "env@", "@x", "_self_", "a b"),
    ]
)
OPTIONS = st.sampled_from(
    [
        *(
            "dev",
            "prod",
            "small",
            "null",
            "'???'",
            "'${env}'",
            "x${size}",
            "'${nothing}'",
            "'${env}/${size}'",
            "[dev, prod]",
        ),
        *("[]", "['${env}']", "['???']", "_self_", "er/dev", "/dev", "5", "'${defaults.0.env}'", "dev.yaml"),
    ]
)
ITEMS_OF_LISTS = st.one_of(
    st.builds("{{{}: {}}}".format, GROUPS, OPTIONS),
    st.sampled_from(
        ["_self_", "env/dev", "/env/dev", "other", "other@x", "'${env}'", "deep/er/dev", "system", "_self_@x"]
    ),
)
LISTS = st.lists(ITEMS_OF_LISTS, max_size=4).map(lambda items: f"defaults: [{', '.join(items)}]\na: 1\n")
CLI = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "+", "~", "++"]),
    st.sampled_from(["env", "size", "env@x", "size@env", "deep", "deep/er", "other", "env@_global_"]),
    st.sampled_from(
        ["", "=dev", "=small", "=[dev,prod]", "=[]", "=null", "='???'", "=_self_", "=5", "=${env}", "=", "={a:1}"]
    ),
)


@settings(deadline=None, max_examples=200)
@given(LISTS, LISTS, LISTS, st.lists(CLI, max_size=2))
def test_any_defaults_list_is_followed_or_reported(own: str, first: str, second: str, overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        tree = Tree(Path(name)).write(
            {
                "system.yaml": own,
                "env/dev.yaml": first,
                "env/prod.yaml": "name: prod\n",
                "size/small.yaml": second,
                "deep/er/dev.yaml": "name: deep\n",
                "other.yaml": "{}\n",
            }
        )
        try:
            tree.compose(*overrides)
        except DiagnosticsError as error:
            found = error.diagnostics
            assert all(d.hint and d.location is not None for d in found)
