"""The JSON Schema of a type, and the files made from it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator

from mlops_iac.components.component import Component, Outputs
from mlops_iac.components.registry import Registry
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec import schema as schemas
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration

INTERPOLATION = r"^\$\{.+\}$|^\?\?\?$"
IN_TEXT = r"\$\{.+\}|^\?\?\?$"


class Tree(Spec, kw_only=True):
    """A tree.

    Not part of the summary.
    """

    height: Annotated[int, doc("Its height.", unit="m", ge=1)]
    kind: Annotated[Literal["oak", "elm"] | None, doc("What it is.")] = None
    age: Annotated[Duration, doc("How old it is.", replaces=True, loses_data=True)] = Duration(3600)
    name: Annotated[str, doc("Its name.", pattern="^[a-z]+$", expects="a word", max_length=9)] = "tree"
    branches: Annotated[list[Tree], doc("Its branches.")] = []
    leaf: Annotated[Any, doc("Anything.")] = None


def of_tree(editor: bool) -> dict[str, Any]:
    component = Component("trees", "tree", Layer.DATA, "t:t", Tree, lambda name, spec, ctx: Outputs())
    registry = Registry({"trees": {None: component}})
    document = schemas.schema_document(registry) if editor else schemas.system_schema(registry)
    (name,) = [name for name in document["$defs"] if name.endswith(".Tree")]
    properties: dict[str, Any] = document["$defs"][name]["properties"]
    return properties


def test_fields_of_the_plain_form() -> None:
    properties = of_tree(editor=False)
    reference = properties["branches"]["items"]["$ref"]
    assert reference.startswith("#/$defs/")
    assert properties.pop("protect")["description"].startswith("Refuse changes")
    assert properties.pop("was")["description"].startswith("Name that the component had")
    assert properties == {
        "height": {"type": "integer", "minimum": 1, "description": "Its height.", "x-unit": "m"},
        "kind": {"enum": ["elm", "oak", None], "description": "What it is.", "default": None},
        "age": {
            **Duration.SCHEMA,
            "x-quantity": "Duration",
            "description": "How old it is.",
            "x-replaces": True,
            "x-loses-data": True,
            "default": "1h",
        },
        "name": {
            "type": "string",
            "maxLength": 9,
            "pattern": "^[a-z]+$(?!\\n)",
            "description": "Its name.",
            "x-expects": "a word",
            "default": "tree",
        },
        "branches": {
            "type": "array",
            "items": {"$ref": reference},
            "description": "Its branches.",
            "default": [],
        },
        "leaf": {"description": "Anything.", "default": None},
    }


def test_fields_of_the_editor_form() -> None:
    plain, editor = of_tree(editor=False), of_tree(editor=True)
    assert editor["height"] == {**plain["height"], "type": ["integer", "string"], "pattern": INTERPOLATION}
    assert editor["branches"] == {**plain["branches"], "type": ["array", "string"], "pattern": INTERPOLATION}
    assert editor["age"] == {**plain["age"], "pattern": f"(?:{Duration.SCHEMA['pattern']})|{IN_TEXT}"}
    assert editor["leaf"] == plain["leaf"]
    assert editor["kind"] == {
        "description": "What it is.",
        "default": None,
        "anyOf": [{"enum": ["elm", "oak", None]}, {"type": "string", "pattern": IN_TEXT}],
    }
    assert editor["name"] == {
        "type": "string",
        "pattern": rf"(?:^[a-z]+$(?!\n))|{IN_TEXT}",
        "description": "Its name.",
        "x-expects": "a word",
        "default": "tree",
        "anyOf": [{"maxLength": 9}, {"pattern": IN_TEXT}],
    }


def test_parts_of_their_own_type_are_checked() -> None:
    component = Component("trees", "tree", Layer.DATA, "t:t", Tree, lambda name, spec, ctx: Outputs())
    registry = Registry({"trees": {None: component}})
    schema = schemas.component_schema(registry, component)
    assert Draft202012Validator(schema).is_valid({"height": 3, "branches": [{"height": 2, "branches": []}]})
    assert not Draft202012Validator(schema).is_valid({"height": 3, "branches": [{"height": 2, "branches": [{}]}]})


def test_a_type_without_a_schema_is_refused() -> None:
    class Clock(Spec, kw_only=True):
        """A clock."""

        time: Annotated[datetime.datetime, doc("What it shows.")]

    component = Component("clocks", "clock", Layer.DATA, "t:t", Clock, lambda name, spec, ctx: Outputs())
    with pytest.raises(TypeError, match="DateTimeType"):
        schemas.component_schema(Registry({"clocks": {None: component}}), component)


def test_files_are_written_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = {name: lambda: schemas.schema_document(Registry({})) for name in ("system", "other")}
    monkeypatch.setattr(schemas, "DOCUMENTS", documents)
    folder = tmp_path / "schemas"
    names = ("system.schema.json", "other.schema.json")
    assert schemas.check_schemas(folder) == names
    assert schemas.write_schemas(folder) == names
    assert schemas.check_schemas(folder) == () == schemas.write_schemas(folder)
    (folder / names[0]).write_text("{}", encoding="utf-8")
    assert schemas.check_schemas(folder) == (names[0],)
    for name in schemas.write_schemas(folder):
        Draft202012Validator.check_schema(json.loads((folder / name).read_text(encoding="utf-8")))
