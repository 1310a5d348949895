"""Reads resource types out of an installed Pulumi SDK, from its source text, without importing it.

A generated SDK says everything in a fixed form: ``@pulumi.type_token`` on the resource class, one keyword of
``__init__`` a property on the ``...Args`` class (no default means required), ``@pulumi.getter(name=...)`` for
the provider's name of it, ``pulumi.Output.secret`` and ``additional_secret_outputs`` for secrets. Importing
60 modules of ``pulumi_aws`` takes much longer and more memory than parsing them.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SCALARS = {"str": "s", "int": "i", "float": "n", "bool": "b", "Any": "a", "Literal": "s"}
_ANYTHING = ("pulumi.Asset", "pulumi.Archive")


@dataclass(frozen=True)
class Property:
    """A property as the SDK declares it; ``shape`` is in the notation of ``facts`` without flags."""

    shape: str
    required: bool = False
    secret: bool = False
    text: str = ""


@dataclass(frozen=True)
class Resource:
    """A resource class: its token, the folder of its module, its inputs, and outputs beyond them.

    ``defaults`` are the texts that the class fills in for inputs that are left out.
    """

    token: str
    module: str
    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property]
    deprecated: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Sdk:
    """An SDK package on disk; ``objects`` holds input classes by ``module.Name`` once they were needed."""

    root: Path
    objects: dict[str, dict[str, Property]] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    def resources(self, module: str) -> list[Resource]:
        """All resource classes of a module folder such as ``sagemaker`` or ``apps/v1``."""
        folder = self.root / module
        found: list[Resource] = []
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith(("_", "get_")) and file.name != "outputs.py":
                found.extend(_resources_in(file, module))
        return found

    def object(self, name: str) -> Mapping[str, Property] | None:
        """Properties of an input class by ``module.Name``; ``None`` when the SDK has no such class."""
        module = name.rpartition(".")[0]
        if module not in self._read:
            self._read.add(module)
            file = self.root / module / "_inputs.py"
            if file.is_file():
                for node in ast.parse(file.read_text(encoding="utf-8")).body:
                    if isinstance(node, ast.ClassDef) and node.name.endswith("Args"):
                        key = _object_key(module, node.name)
                        self.objects[key] = _properties_of_args(node, module)
        return self.objects.get(name)


def installed(package: str) -> Sdk | None:
    """The SDK of that import name, or ``None`` when it is not installed."""
    spec = importlib.util.find_spec(package)
    return Sdk(Path(spec.origin).parent) if spec is not None and spec.origin else None


def _resources_in(file: Path, module: str) -> Iterator[Resource]:
    source = file.read_text(encoding="utf-8")
    if "@pulumi.type_token" not in source:
        return
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    for node in classes.values():
        token = _decorator_argument(node, "pulumi.type_token")
        if token is None:
            continue
        args = classes.get(f"{node.name}InitArgs") or classes.get(f"{node.name}Args")
        inputs = _properties_of_args(args, module) if args is not None else {}
        init = next((n for n in node.body if _is_function(n, "_internal_init")), None)
        secret = _secret_names(init) if init is not None else frozenset()
        outputs = _properties_of_outputs(node, module)
        yield Resource(
            token=token,
            module=module,
            inputs={name: _mark_secret(p, name in secret) for name, p in inputs.items()},
            outputs={name: _mark_secret(p, name in secret) for name, p in outputs.items() if name not in inputs},
            deprecated=any(
                isinstance(n, ast.Expr)
                and isinstance(n.value, ast.Call)
                and ast.unparse(n.value.func) == "warnings.warn"
                for n in node.body
            )
            or _decorator_argument(node, "_utilities.deprecated") is not None,
            defaults=_defaults(init, args) if init is not None and args is not None else {},
        )


def _properties_of_args(node: ast.ClassDef, module: str) -> dict[str, Property]:
    init = next((n for n in node.body if _is_function(n, "__init__")), None)
    if not isinstance(init, ast.FunctionDef):
        return {}
    names = _wire_names(node)
    texts: dict[str, str] = {}
    for member in node.body:
        if isinstance(member, ast.FunctionDef):
            texts.setdefault(member.name, ast.get_docstring(member) or "")
    found = {}
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        if argument.annotation is not None:
            shape = _shape(argument.annotation, module)
            name = names.get(argument.arg, argument.arg)
            found[name] = Property(shape, default is None, text=texts.get(argument.arg, ""))
    return found


def _wire_names(node: ast.ClassDef) -> dict[str, str]:
    """The provider's name of each property whose Python name is another."""
    names: dict[str, str] = {}
    for member in node.body:
        if isinstance(member, ast.FunctionDef):
            named = _decorator_argument(member, "pulumi.getter")
            if named is not None:
                names.setdefault(member.name, named)
    return names


def _defaults(init: ast.AST, args: ast.ClassDef) -> dict[str, str]:
    """What stands in the constructor as ``if x is None: x = 'text'``, or as a property that is always this text."""
    names = _wire_names(args)
    found = {}
    for node in ast.walk(init):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Subscript):
            target = target.slice
        name = target.id if isinstance(target, ast.Name) else getattr(target, "value", None)
        if isinstance(name, str) and isinstance(node.value.value, str):
            found[names.get(name, name)] = node.value.value
    return found


def _properties_of_outputs(node: ast.ClassDef, module: str) -> dict[str, Property]:
    found = {}
    for member in node.body:
        if not isinstance(member, ast.FunctionDef) or not isinstance(member.returns, ast.Subscript):
            continue
        if ast.unparse(member.returns.value) == "pulumi.Output":
            name = _decorator_argument(member, "pulumi.getter") or member.name
            found[name] = Property(_shape(member.returns.slice, module))
    return found


def _secret_names(init: ast.AST) -> frozenset[str]:
    for node in ast.walk(init):
        if isinstance(node, ast.keyword) and node.arg == "additional_secret_outputs":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def _mark_secret(declared: Property, secret: bool) -> Property:
    return Property(declared.shape, declared.required, secret, declared.text)


def _shape(node: ast.expr, module: str) -> str:
    """The notation of a type annotation; outputs' classes become free-form objects."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _shape_of_reference(node.value, module)
    if isinstance(node, ast.Attribute | ast.Name):
        text = ast.unparse(node)
        return "a" if text in _ANYTHING else _SCALARS.get(text.rpartition(".")[2], "#")
    if not isinstance(node, ast.Subscript):
        return "a"
    outer = ast.unparse(node.value).rpartition(".")[2]
    if outer in ("Input", "Optional", "Output", "Awaitable"):
        return _shape(node.slice, module)
    if outer == "Literal":
        return "s"
    if outer == "Sequence":
        return "[" + _shape(node.slice, module)
    members = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Mapping":
        return "{" + _shape(members[-1], module)
    if outer == "Union":
        return _union([_shape(member, module) for member in members])
    return "a"


def _union(shapes: list[str]) -> str:
    unique = list(dict.fromkeys(shapes))
    if "a" in unique:
        return "a"
    simple = [shape for shape in unique if "|" not in shape]
    return "|".join(simple) if simple else unique[0]


def _shape_of_reference(text: str, module: str) -> str:
    if "[" in text:
        return _shape(ast.parse(text, mode="eval").body, module)
    if not text.endswith("Args"):
        return "#" if text.startswith("outputs.") else "s"
    parts = text.split(".")
    folder = "/".join(part.lstrip("_") for part in parts[:-1]) if len(parts) > 1 else module
    return f"#{_object_key(folder, parts[-1])}"


def _object_key(module: str, class_name: str) -> str:
    return f"{module}.{class_name.removesuffix('Args')}"


def _is_function(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == name


def _decorator_argument(node: ast.ClassDef | ast.FunctionDef, name: str) -> str | None:
    """The text handed to a decorator; an empty text when it has none; ``None`` when it is not there."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == name:
            values = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
            return str(ast.literal_eval(values[0])) if values else ""
    return None
