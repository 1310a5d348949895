"""The typed specs and the JSON Schema made from them accept the same configurations."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mlops_iac.components.registry import Registry
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.spec.schema import schema_document, system_schema
from mlops_iac.validate import validate
from mlops_iac.validate.codes import REFUSED
from mlops_iac.validate.errors import failures

Compose = Callable[[str], Composition]

SCALARS = [
    *(None, True, False, 0, 1, 5, 80, 301, -3, 2.5, 80.0, 1.0),
    *(
        "",
        "a",
        "auto",
        "internal",
        "public",
        "books",
        "a text that is too long",
        "B12",
        "1234",
        "local",
        "remote",
    ),
    *(
        "10m",
        "10m\n",
        "400x",
        "20%",
        "101%",
        "50GB",
        "daily",
        "0 3 * * 1",
        "61 * * * *",
        "https://x",
        "read",
        "copy",
    ),
]
VALUES = st.one_of(
    st.sampled_from(SCALARS),
    st.lists(st.sampled_from(["a", 1, 2.5, None]), max_size=2),
    st.dictionaries(st.sampled_from(["child", "adult", "bulbs", "colour", "x"]), st.sampled_from([1, 0, "a"])),
)


def declarations(fields: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings of those fields, whose values are mostly good, and now and then any other key or value."""
    good = {name: st.sampled_from(values) for name, values in fields.items()}
    mixed = {name: st.one_of(value, value, value, VALUES) for name, value in good.items()}
    return st.one_of(
        st.fixed_dictionaries({}, optional=good),
        st.fixed_dictionaries({}, optional={**mixed, "oops": VALUES}),
        VALUES,
    )


STEPS = declarations(
    {"kind": ["read", "copy"], "book": ["a"], "share": ["20%"], "pages": [[1], [1, 2]], "paper": ["50GB"]}
)
NAMES = st.sampled_from(["a", "b-2", "Bad_Name", ""])
SYSTEMS = st.fixed_dictionaries(
    {},
    optional={
        "shelves": st.dictionaries(
            NAMES,
            declarations(
                {
                    "classification": ["public"],
                    "versioning": [True],
                    "keep": ["10m", None],
                    "width": [10, 300],
                    "weight": [0, 2.5],
                    "title": ["abc"],
                    "room": ["B12", None],
                    "books": [[], ["a"]],
                    "limits": [{}, {"child": 1}],
                    "code": ["1234"],
                    "owner": ["a", ["a", "b"]],
                    "size": ["auto", 3],
                    "lamp": [None, {"bulbs": 1}],
                }
            ),
            max_size=2,
        ),
        "tasks": st.dictionaries(
            NAMES,
            st.one_of(st.fixed_dictionaries({"steps": st.dictionaries(NAMES, STEPS, max_size=2)}), VALUES),
            max_size=2,
        ),
        "desks": st.dictionaries(
            NAMES,
            declarations({"backend": ["local", "remote"], "places": [1], "from": ["monday"], "url": ["https://x"]}),
            max_size=2,
        ),
        "door": declarations({"open": [True]}),
        "oops": VALUES,
    },
)


def codes_of(composition: Composition, registry: Registry) -> set[str]:
    try:
        validate(composition, registry)
    except DiagnosticsError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}
    return set()


@given(sections=SYSTEMS)
def test_specs_and_schema_agree(sections: dict[str, Any], compose_text: Compose, library: Registry) -> None:
    core = compose_text("")
    data = {**core.data, **sections}
    codes = codes_of(Composition(core.root, data, core.origins, {}, {}), library)
    assert bool(codes) == any(failures(system_schema(library), data, ()))
    assert REFUSED not in codes


@given(sections=SYSTEMS)
def test_the_committed_form_decides_as_the_code_does(
    sections: dict[str, Any], compose_text: Compose, library: Registry
) -> None:
    """But for what other validators cannot see: whole numbers written as 80.0, and quantities' own rules."""
    assume(not any(_beyond_json_schema(value) for _, value in _places(sections, ())))
    core = compose_text("")
    data = {**core.data, **sections}
    codes = codes_of(Composition(core.root, data, core.origins, {}, {}), library)
    assert bool(codes) != Draft202012Validator(schema_document(library)).is_valid(data)


@given(sections=SYSTEMS, choice=st.data(), text=st.sampled_from(["${a.b}", "${env:X}", "???"]))
def test_the_committed_form_admits_interpolations_anywhere(
    sections: dict[str, Any], choice: st.DataObject, text: str, compose_text: Compose, library: Registry
) -> None:
    validator = Draft202012Validator(schema_document(library))
    data = copy.deepcopy({**compose_text("").data, **sections})
    assume(validator.is_valid(data))
    path = choice.draw(st.sampled_from([path for path, _ in _places(data, ()) if len(path) > 1]))
    parent = data
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = text
    assert validator.is_valid(data)


def test_editors_do_not_ask_for_what_groups_fill(compose_text: Compose, library: Registry) -> None:
    own = {key: value for key, value in compose_text("").data.items() if key in ("system", "cloud")}
    raw = {"defaults": [{"env": "dev"}, "_self_"], **own}
    assert Draft202012Validator(schema_document(library)).is_valid(raw)
    assert not Draft202012Validator(schema_document(library)).is_valid({"defaults": []})


def _places(data: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key), value
        yield from _places(value, (*path, key))


def _beyond_json_schema(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value) and value.is_integer()
    return value in ("61 * * * *", "10m\n")
