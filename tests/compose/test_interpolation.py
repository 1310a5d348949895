"""References: what they may be, where they fail, and that failures are said once, at their cause."""

import pytest

from mlops_iac.compose import codes
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location

from .conftest import Tree, brief


def said(
    text: str,
    line: int,
    column: int,
    code: str,
    message: str,
    hint: str,
    path: ConfigPath,
    related: tuple[tuple[str, Location], ...] = (),
) -> object:
    location = Location("system.yaml", line, column)
    return pytest.param(text, Diagnostic(code, message, hint, location, path, related=related), id=text[:40])


REFUSED = [
    said(
        "buckets: {raw: 1}\na: see ${bucket.raw} and more\n",
        2,
        8,
        codes.INTERPOLATION_TARGET,
        "`${bucket.raw}` points at nothing: there is no `bucket`",
        "Did you mean `buckets`?",
        ("a",),
    ),
    said(
        "x: {deep: {keep: 1}}\na: ${keep}\n",
        2,
        4,
        codes.INTERPOLATION_TARGET,
        "`${keep}` points at nothing: there is no `keep`",
        "Did you mean `x.deep.keep`?",
        ("a",),
    ),
    said(
        "l: [1]\na: ${l.3}\n",
        2,
        4,
        codes.INTERPOLATION_TARGET,
        "`${l.3}` points at nothing: the list `l` has no item `3`",
        "The list has 1 items, counted from 0.",
        ("a",),
    ),
    said(
        "s: 1\na: ${s.t}\n",
        2,
        4,
        codes.INTERPOLATION_TARGET,
        "`${s.t}` points at nothing: `s` is a single value and has nothing below it",
        "Refer to `s` itself.",
        ("a",),
    ),
    said(
        'a: {b: "${...c}"}\n',
        1,
        9,
        codes.INTERPOLATION_TARGET,
        "`${...c}` goes up beyond the top of the configuration",
        "One dot is the mapping that the value stands in, two dots the one above.",
        ("a", "b"),
    ),
    said(
        "a: ${b}\nb: ${c}\nc: ${a}\n",
        1,
        4,
        codes.INTERPOLATION_CYCLE,
        "values are computed from each other: a -> b -> c -> a",
        "Give one of the values a value of its own.",
        ("a",),
        (
            ("`b` is set here", Location("system.yaml", 2, 4)),
            ("`c` is set here", Location("system.yaml", 3, 4)),
        ),
    ),
    said(
        "a: {b: {c: '${a}'}}\n",
        1,
        12,
        codes.INTERPOLATION_CYCLE,
        "`a.b.c` refers to itself, or to something that holds it",
        "Give one of the values a value of its own.",
        ("a", "b", "c"),
    ),
    said(
        "m: {k: 1}\na: x ${m}\n",
        2,
        4,
        codes.BAD_INTERPOLATION,
        "`m` is a mapping and cannot be part of a text",
        "Refer to a single value below it, or let the reference be the whole value.",
        ("a",),
    ),
    said(
        "a: ${b\n",
        1,
        4,
        codes.BAD_INTERPOLATION,
        "`${b` cannot be read",
        "Write ${path.to.value}; to keep the characters as they are, write \\${...}.",
        ("a",),
    ),
    said(
        "a: ${oc.env:HOME}\n",
        1,
        4,
        codes.FORBIDDEN_RESOLVER,
        "`${oc.env:...}` is not allowed",
        "List the variable under `environment_variables` and write ${env:NAME}.",
        ("a",),
    ),
    said(
        "a: x ${now:%Y}\n",
        1,
        6,
        codes.FORBIDDEN_RESOLVER,
        "`${now:...}` is not allowed",
        "Write the value, or refer to it by its path; only oc.select and env exist here.",
        ("a",),
    ),
    said(
        "a: ${env:REGION}\n",
        1,
        4,
        codes.ENVIRONMENT_VARIABLE,
        "the environment variable `REGION` is not listed",
        "Add it at the top level: `environment_variables: [REGION]`.",
        ("a",),
    ),
    said(
        "environment_variables: [REGION]\na: ${env:REGION}\n",
        2,
        4,
        codes.ENVIRONMENT_VARIABLE,
        "the environment variable `REGION` is not set",
        "Set it, or give a default: ${env:REGION,default}.",
        ("a",),
    ),
    said(
        "environment_variables: [AWS_SECRET_ACCESS_KEY]\n",
        1,
        25,
        codes.ENVIRONMENT_VARIABLE,
        "`AWS_SECRET_ACCESS_KEY` looks like a credential, and its value would show in plans and reports",
        "Refer to the secret by its name in the secret store: `{secret: NAME}`.",
        ("environment_variables", 0),
    ),
    said(
        "environment_variables: ['${x}']\nx: HOME\n",
        1,
        25,
        codes.ENVIRONMENT_VARIABLE,
        "this is not the name of an environment variable",
        "Names are letters, digits and `_`: IMAGE_TAG.",
        ("environment_variables", 0),
    ),
    said(
        "a: ${oc.select:x,[1],3}\n",
        1,
        4,
        codes.BAD_INTERPOLATION,
        "`${oc.select:...}` takes a path and, if wanted, a default",
        "Write ${oc.select:path.to.value,default}.",
        ("a",),
    ),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_refused(tree: Tree, text: str, expected: Diagnostic) -> None:
    assert tree.write({"system.yaml": text}).refusal() == (expected,)


def test_what_depends_on_an_error_is_not_reported_again(tree: Tree) -> None:
    tree.write({"system.yaml": "a: ${b}\nb: ${nowhere}\nc: [1, 'x ${a}']\nd: ${m}\nm: ???\ne: ${d}\n"})
    assert brief(tree.refusal()) == [
        "MI1050 system.yaml:2:4: `${nowhere}` points at nothing: there is no `nowhere`",
        "MI1060 system.yaml:5:4: `m` has no value yet",
    ]


ALLOWED = [
    ("a: {x: 1}\nb: ${a}\nc: ${b.x}\n", {"a": {"x": 1}, "b": {"x": 1}, "c": 1}),
    ("a: '${oc.select:q,[1,{b: 2}]}'\nb: ${a}\n", {"a": [1, {"b": 2}], "b": [1, {"b": 2}]}),
    ("a: ${oc.select:q,${b}}\nb: [1]\n", {"a": [1], "b": [1]}),
    ("a: '$${b} ${b}$ \\${b} $b {b}'\nb: 1\n", {"a": "$1 1$ ${b} $b {b}", "b": 1}),
    ("a: |\n  line ${b}\n  more\nb: 1\n", {"a": "line 1\nmore\n", "b": 1}),
    ("on: {x: 1}\na: ${on.x}\n", {"on": {"x": 1}, "a": 1}),
]


@pytest.mark.parametrize(("text", "expected"), ALLOWED)
def test_allowed(tree: Tree, text: str, expected: dict[str, object]) -> None:
    assert tree.write({"system.yaml": text}).compose().data == expected


def test_listed_variables_only(tree: Tree) -> None:
    tree.write({"system.yaml": "environment_variables: [REGION, TIER]\na: ${env:REGION}\nb: '${env:TIER,small}'\n"})
    composed = tree.compose(environment={"REGION": "eu-west-1", "OTHER": "x"})
    assert composed.data == {"environment_variables": ["REGION", "TIER"], "a": "eu-west-1", "b": "small"}


def test_the_process_environment_is_read_when_none_is_given(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_iac.compose import ComposeRequest, compose

    monkeypatch.setenv("REGION", "eu-north-1")
    tree.write({"system.yaml": "environment_variables: [REGION]\na: ${env:REGION}\n"})
    assert compose(ComposeRequest(tree.root)).data["a"] == "eu-north-1"


@pytest.mark.parametrize("name", ["AUTHOR", "KEYBOARD", "REGION", "MONKEY_ISLAND", "IMAGE_TAG", "CERTAINTY"])
def test_names_that_only_resemble_credentials(tree: Tree, name: str) -> None:
    tree.write({"system.yaml": f"environment_variables: [{name}]\na: ${{env:{name}}}\n"})
    assert tree.compose(environment={name: "x"}).data["a"] == "x"


@pytest.mark.parametrize("value", ["\x1b[31m", "\udcff", "a\x00b"])
def test_a_variable_that_is_not_text(tree: Tree, value: str) -> None:
    tree.write({"system.yaml": "environment_variables: [REGION]\na: ${env:REGION}\n"})
    assert brief(tree.refusal(environment={"REGION": value})) == [
        "MI1055 system.yaml:1:24: the value of the environment variable `REGION` is not printable text"
    ]


def test_a_variables_value_is_not_resolved_again(tree: Tree) -> None:
    tree.write({"system.yaml": "environment_variables: [REGION]\na: ${env:REGION}\nb: x ${a}\n"})
    composed = tree.compose(environment={"REGION": "${oc.env:HOME}"})
    assert (composed.data["a"], composed.data["b"]) == ("${oc.env:HOME}", "x ${oc.env:HOME}")


def test_resolvers_registered_elsewhere_do_nothing(tree: Tree) -> None:
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("test_only", lambda: 1 / 0)
    try:
        tree.write({"system.yaml": "a: ${test_only:}\n"})
        assert [d.code for d in tree.refusal()] == [codes.FORBIDDEN_RESOLVER]
    finally:
        OmegaConf.clear_resolver("test_only")
