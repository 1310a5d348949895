"""The generator: the committed data is what it writes, and its sources are read as intended."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest

from mlops_iac.providers import cloudformation, generate, sdk
from mlops_iac.providers.facts import DATA, facts_of

needs_sdks = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pulumi_aws", "pulumi_kubernetes", "cfnlint")),
    reason="needs pulumi-aws, pulumi-kubernetes and cfn-lint",
)

SOURCE = '''
import pulumi

@pulumi.input_type
class ThingArgs:
    def __init__(__self__, *,
                 model_name: pulumi.Input[_builtins.str],
                 parts: pulumi.Input[Optional[Sequence[pulumi.Input['ThingPartArgs']]]] = None,
                 policy: pulumi.Input[Optional[Union[_builtins.str, 'PolicyArgs']]] = None,
                 labels: pulumi.Input[Optional[Mapping[str, pulumi.Input[_builtins.int]]]] = None):
        pass

    @_builtins.property
    @pulumi.getter(name="modelName")
    def model_name(self) -> pulumi.Input[_builtins.str]:
        """Changing this forces a new resource."""
        return pulumi.get(self, "model_name")

@pulumi.type_token("aws:things/thing:Thing")
class Thing(pulumi.CustomResource):
    def _internal_init(__self__, resource_name):
        secret_opts = pulumi.ResourceOptions(additional_secret_outputs=["policy", "tokenValue"])

    @_builtins.property
    @pulumi.getter(name="tokenValue")
    def token_value(self) -> pulumi.Output[_builtins.str]:
        return pulumi.get(self, "token_value")
'''


def test_reading_a_resource_class(tmp_path: Path) -> None:
    module = tmp_path / "things"
    module.mkdir()
    (module / "thing.py").write_text(SOURCE, encoding="utf-8")
    (module / "get_thing.py").write_text(SOURCE, encoding="utf-8")
    [thing] = sdk.Sdk(tmp_path).resources("things")
    assert thing.token == "aws:things/thing:Thing"
    assert {name: (p.shape, p.required, p.secret) for name, p in thing.inputs.items()} == {
        "modelName": ("s", True, False),
        "parts": ("[#things.ThingPart", False, False),
        "policy": ("s|#things.Policy", False, True),
        "labels": ("{i", False, False),
    }
    assert {name: (p.shape, p.secret) for name, p in thing.outputs.items()} == {"tokenValue": ("s", True)}
    assert thing.inputs["modelName"].text == "Changing this forces a new resource."


@pytest.mark.parametrize(
    ("name", "kind", "candidates", "expected"),
    [
        ("FeatureGroupName", "FeatureGroup", ("featureGroupName",), "featureGroupName"),
        ("RoleName", "Role", ("name", "path"), "name"),
        ("DBInstanceIdentifier", "Instance", ("identifier",), "identifier"),
        ("Subnets", "NodeGroup", ("subnetIds",), "subnetIds"),
        ("NodeRole", "NodeGroup", ("nodeRoleArn",), "nodeRoleArn"),
        ("CidrBlock", "Subnet", ("ipv6CidrBlock", "cidrBlock"), "cidrBlock"),
        ("Nothing", "Subnet", ("cidrBlock",), None),
    ],
)
def test_matching_cloudformation_names(name: str, kind: str, candidates: tuple[str, ...], expected: str | None) -> None:
    assert cloudformation.same_name(name, kind, candidates) == expected


def test_every_correction_says_why_and_where() -> None:
    with generate.CORRECTIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["token"] for row in rows] == sorted({row["token"] for row in rows})
    for row in rows:
        assert row["reason"]
        assert row["source"].startswith("https://")
        assert facts_of(row["token"]) is not None


def test_a_correction_of_nothing_is_refused() -> None:
    row = generate.Correction("t", always=("nothing",), maybe=(), never=(), secret=(), name="")
    with pytest.raises(KeyError, match="no property nothing"):
        generate.correct({}, row)


@needs_sdks
def test_the_committed_data_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@needs_sdks
def test_stale_data_is_named_and_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "generated", lambda: {"aws-s3.json": "{}\n"})
    monkeypatch.setattr(generate, "DATA", tmp_path)
    (tmp_path / "aws-gone.json").write_text("{}", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == [
        "aws-gone.json",
        "aws-s3.json",
    ]
    assert generate.main([]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["aws-s3.json"]
    assert generate.main(["--check"]) == 0


@needs_sdks
def test_every_type_of_the_sdk_modules_is_covered() -> None:
    package = sdk.installed("pulumi_aws")
    assert package is not None
    for resource in package.resources("sagemaker"):
        found = facts_of(resource.token)
        assert found is not None
        assert set(found.inputs) == set(resource.inputs)
        assert {name for name, p in found.inputs.items() if p.required} == {
            name for name, p in resource.inputs.items() if p.required
        }


def test_data_holds_no_deprecated_bucket_aliases() -> None:
    assert "V2:" not in (DATA / "aws-s3.json").read_text(encoding="utf-8")
