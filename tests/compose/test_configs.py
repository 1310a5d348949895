"""The groups that the package ships."""

from pathlib import Path

import pytest

from mlops_iac.compose.sources import package_root

from .conftest import Tree

ENV_KEYS = [
    "name",
    "protect_data",
    "force_destroy",
    "multi_az",
    "deletion_window",
    "log_retention",
    "backup_retention",
    "spot",
    "min_endpoint_instances",
    "approval",
    "gates",
    "spend",
]


def compose(tree: Tree, env: str, security: str) -> dict[str, object]:
    tree.write({"system.yaml": "defaults:\n  - env: ???\n  - security: ???\n  - _self_\n"})
    composed = tree.compose(f"env={env}", f"security={security}")
    assert composed.diagnostics == ()
    return dict(composed.data)


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
@pytest.mark.parametrize("security", ["baseline", "regulated"])
def test_each_fills_its_section(tree: Tree, env: str, security: str) -> None:
    data = compose(tree, env, security)
    assert list(data) == ["env", "security"]
    assert list(data["env"]) == ENV_KEYS  # type: ignore[call-overload]
    assert data["env"]["name"] == env  # type: ignore[index]
    assert data["security"]["name"] == security  # type: ignore[index]


def test_only_dev_may_lose_data(tree: Tree) -> None:
    settings = {env: compose(tree, env, "baseline")["env"] for env in ("dev", "staging", "prod")}
    assert {env: (s["protect_data"], s["force_destroy"]) for env, s in settings.items()} == {  # type: ignore[index]
        "dev": (False, True),
        "staging": (True, False),
        "prod": (True, False),
    }


def test_the_specs_take_them(tree: Tree) -> None:
    import msgspec

    from mlops_iac.spec.system import EnvironmentSection, SecuritySection

    for env, security in (("dev", "baseline"), ("staging", "regulated"), ("prod", "regulated")):
        data = compose(tree, env, security)
        assert set(data["env"]) == {field.name for field in msgspec.structs.fields(EnvironmentSection)}  # type: ignore[call-overload]
        assert set(data["security"]) == {field.name for field in msgspec.structs.fields(SecuritySection)}  # type: ignore[call-overload]


def test_every_key_of_the_files_is_explained() -> None:
    root = package_root()
    assert root is not None
    for file in sorted(Path(root.folder).glob("*/*.yaml")):
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines):
            if line.strip() and not line.lstrip().startswith(("#", "name:")):
                assert lines[number - 1].lstrip().startswith("#"), f"{file.name}:{number + 1}"
