"""A credential in the configuration stops everything, is told at its place, and is never shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli.main import cli

SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {}
"""
EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
# Put together here, so that no scanner takes this file for a leak.
CANARIES = {
    "an AWS access key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "x" * 20,
    "a Slack token": "xoxb-" + "1234567890-abcdef",
    "a Slack webhook": "https://hooks.slack.com/services/T0000000/B0000000/" + "x" * 24,
    "a Hugging Face token": "hf_" + "a" * 34,
    "a Google API key": "AIza" + "b" * 35,
    "an OpenAI or Anthropic key": "sk-ant-" + "c" * 40,
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "c2lnbmF0dXJlMTIz",
    "a password in a URL": "postgresql://user:" + "hunter2" + "@db.example.com/x",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a text that looks like a key": "q7Xw2LpR9vTz4KcM8bNj5HdY3sFgAe6U",
}


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "-C", str(folder)])


def written(folder: Path, text: str) -> Path:
    (folder / "system.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("verb", [["validate"], ["preview"], ["policy", "check"], ["up", "--yes"]], ids=str)
@pytest.mark.parametrize("kind", CANARIES)
def test_a_credential_is_told_and_not_shown(tmp_path: Path, kind: str, verb: list[str]) -> None:
    secret = CANARIES[kind]
    folder = written(tmp_path, SYSTEM.replace('cost-center: "1"', f'cost-center: "1", note: "{secret}"'))

    done = run(folder, *verb)

    assert done.exit_code == 1
    assert "MI2009" in done.output and kind in " ".join(done.output.split())
    assert "system.yaml:2:" in done.output
    assert secret not in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / ".mlops-iac").exists()


@pytest.mark.parametrize("name", ["DB_PASSWORD", "apiKey", "auth_token", "client-secret"])
def test_a_plain_value_under_such_a_name_is_told(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, SYSTEM.replace("cost-center", f'{name}: "correcthorse", cost-center'))

    done = run(folder, "validate")

    assert done.exit_code == 1 and "what its name calls a secret" in " ".join(done.output.split())
    assert "correcthorse" not in done.output


@pytest.mark.parametrize(
    "value", ["arn:aws:secretsmanager:eu-west-1:1:secret:x", "env:DB_PASSWORD", "/run/secrets/db", "true"]
)
def test_a_reference_to_a_secret_is_none(tmp_path: Path, value: str) -> None:
    folder = written(tmp_path, SYSTEM.replace("cost-center", f'DB_PASSWORD: "{value}", cost-center'))

    assert run(folder, "validate").exit_code == 0


def test_a_comment_is_read_too_and_can_excuse_its_line(tmp_path: Path) -> None:
    key = CANARIES["an AWS access key id"]
    told = run(written(tmp_path, SYSTEM + f"# old key: {key}\n"), "validate", "--format", "json")
    excused = run(written(tmp_path, SYSTEM + f"# {key}  # not a secret: from AWS's documentation\n"), "validate")
    without_reason = run(written(tmp_path, SYSTEM + f"# {key}  # not a secret:\n"), "validate")

    assert told.exit_code == 1 and key not in told.output
    assert json.loads(told.stdout)["diagnostics"][0]["location"] == "system.yaml:6:1"
    assert excused.exit_code == 0
    assert without_reason.exit_code == 1


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        ("(risk-ml@example.com, until 2999-12-31)", None),
        ("(risk-ml@example.com, until 2026-01-31)", "its excuse by risk-ml@example.com ended on 2026-01-31"),
        ("(risk-ml@example.com, until 2999-02-31)", "its excuse ends on '2999-02-31', which is no day"),
        ("(, until 2999-12-31)", "its excuse has no owner"),
    ],
)
def test_an_excuse_can_lapse(tmp_path: Path, tail: str, told: str | None) -> None:
    line = f"# {CANARIES['an AWS access key id']}  # not a secret: from AWS's documentation {tail}\n"
    done = run(written(tmp_path, SYSTEM + line), "validate", "--format", "json")

    assert done.exit_code == (0 if told is None else 1)
    problems = json.loads(done.stdout)["diagnostics"]
    assert [told in item["message"] for item in problems] == [True] * (told is not None)
    assert all(item["location"] == "system.yaml:6:1" for item in problems)


def test_a_value_can_be_excused_on_its_line(tmp_path: Path) -> None:
    text = SYSTEM.replace("tags: {cost-center", "tags: {api_key: public-demo, cost-center").replace(
        '"1"}}\n', '"1"}}  # not a secret: the public demo key\n'
    )

    assert run(written(tmp_path, text), "validate").exit_code == 0


def test_an_override_is_read_too(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli, ["validate", "-C", str(written(tmp_path, SYSTEM)), "+system.tags.db_password=hunter2hunter2"]
    )

    assert done.exit_code == 1 and "MI2009" in done.output
    assert "hunter2hunter2" not in done.output


def test_another_error_on_the_line_does_not_show_the_credential(tmp_path: Path) -> None:
    key = CANARIES["an AWS access key id"]
    done = run(written(tmp_path, SYSTEM.replace("raw: {}", f"raw: {{kep: {key}}}")), "validate")

    assert "MI2001" in done.output and "MI2009" in done.output
    assert key not in done.output


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_example_holds_none(environment: str) -> None:
    done = CliRunner().invoke(cli, ["validate", "-C", str(EXAMPLE), f"env={environment}"])

    assert done.exit_code == 0, done.output
