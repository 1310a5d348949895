from __future__ import annotations

import pytest


def test_a_repository_is_closed_and_its_tags_stay(compiled):
    system = compiled("images: {trainer: {classification: confidential}}")
    repository = system.inputs("trainer.repository")
    assert repository["name"] == "fraud/dev/trainer"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"][0]["encryptionType"] == "KMS"
    (statement,) = system.inputs("trainer.policy")["policy"]["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::111122223333:root"]}
    assert not any("Put" in action for action in statement["Action"])


def test_other_accounts_pull_where_named(compiled):
    system = compiled('images: {trainer: {pull_accounts: ["444455556666"]}}')
    (statement,) = system.inputs("trainer.policy")["policy"]["Statement"]
    assert statement["Principal"]["AWS"] == ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]


def test_old_images_go(compiled):
    rules = compiled("images: {trainer: {keep_untagged: 3d, keep_tagged: 7}}").inputs("trainer.lifecycle")["policy"][
        "rules"
    ]
    assert [rule["selection"]["countNumber"] for rule in rules] == [3, 7]


@pytest.mark.parametrize(
    ("accounts", "index", "code"),
    [('["111122223333"]', 0, "MI3300"), ('["444455556666", "444455556666"]', 1, "MI3301")],
)
def test_useless_accounts_are_refused(problems, accounts, index, code):
    found = problems(f"images: {{trainer: {{pull_accounts: {accounts}}}}}")
    assert found["images", "trainer", "pull_accounts", index] == code


def test_what_a_build_must_attach_stands_on_the_repository(compiled):
    system = compiled("images: {trainer: {requires: [signature, sbom]}, plain: {}}")
    assert system.inputs("trainer.repository")["tags"]["image-requires"] == "sbom+signature"
    assert "image-requires" not in system.inputs("plain.repository")["tags"]


def test_a_scan_can_be_left_to_the_registry(compiled):
    repository = compiled("images: {trainer: {scan: false}}").inputs("trainer.repository")
    assert repository["imageScanningConfiguration"] == {"scanOnPush": False}
