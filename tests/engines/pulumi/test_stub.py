"""The types of ``mlops_iac.pulumi`` follow the registry; needs no Pulumi SDK."""

from __future__ import annotations

import ast

from mlops_iac.components.registry import own_registry
from mlops_iac.engines.pulumi.stub import STUB, class_name, stub_text


def test_the_stub_is_current() -> None:
    assert STUB.read_text(encoding="utf-8") == stub_text(own_registry()), "run python -m mlops_iac.engines.pulumi.stub"


def test_every_kind_has_a_class_and_no_field_hides_an_argument_of_pulumi() -> None:
    classes = {node.name: node for node in ast.parse(stub_text(own_registry())).body if isinstance(node, ast.ClassDef)}
    for kind in own_registry().kinds:
        functions = [
            node for node in classes[class_name(own_registry().default(kind))].body if isinstance(node, ast.FunctionDef)
        ]
        for init in (function for function in functions if function.name == "__init__"):
            names = [argument.arg for argument in (*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs)]
            assert len(names) == len(set(names))
            assert names[-2:] == ["system", "opts"]
