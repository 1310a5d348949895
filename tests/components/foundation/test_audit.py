from __future__ import annotations

SECURITY = """
security: {{name: regulated, audit: {audit}}}
buckets:
  raw: {{classification: confidential}}
  people: {{personal_data: true}}
  models: {{classification: internal}}
"""


def test_the_trail_is_complete(compiled):
    trail = compiled("").inputs("audit.cloudtrail")
    assert trail["isMultiRegionTrail"] and trail["enableLogFileValidation"] and trail["includeGlobalServiceEvents"]
    assert trail["kmsKeyId"] == "keys.internal-key.arn"
    assert trail["cloudWatchLogsGroupArn"] == "audit.trail-log.arn:*"
    assert len(trail["advancedEventSelectors"]) == 1


def test_data_events_cover_classified_buckets_under_the_names_they_get(compiled):
    system = compiled(SECURITY.format(audit="{}"))
    selector = system.inputs("audit.cloudtrail")["advancedEventSelectors"][1]
    names = {bucket: system.inputs(f"{bucket}.bucket")["bucket"] for bucket in ("raw", "people")}
    assert selector["fieldSelectors"][2]["startsWiths"] == [f"arn:aws:s3:::{name}/" for name in names.values()]


def test_access_logs_and_trail_have_buckets_that_suit_them(compiled):
    system = compiled(SECURITY.format(audit="{object_lock: 400d}"))

    def algorithm(bucket):
        rule = system.inputs(f"audit.{bucket}-encryption")["rules"][0]
        return rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]

    assert (algorithm("logs"), algorithm("trail")) == ("AES256", "aws:kms")
    assert system.inputs("audit.trail", ":Bucket")["objectLockEnabled"] is True
    assert "objectLockEnabled" not in system.inputs("audit.logs", ":Bucket")
    assert system.inputs("audit.trail-object-lock")["rule"]["defaultRetention"]["days"] == 400
    writers = [
        s["Principal"] for s in system.inputs("audit.logs-policy")["policy"]["Statement"] if s["Effect"] == "Allow"
    ]
    assert writers == [{"Service": "logging.s3.amazonaws.com"}]
    assert system.inputs("audit.trail-access-log")["targetBucket"] == "audit.logs.bucket"


def test_each_part_can_be_switched(compiled):
    everything = compiled(SECURITY.format(audit="{guardduty: true, config: true}")).names()
    assert {"audit.guardduty", "audit.guardduty-s3-data-events", "audit.config-status"} <= everything
    little = compiled(SECURITY.format(audit="{trail: false}") + "audit: {access_analyzer: false}").names()
    assert {name for name in little if name.startswith("audit.")} == {
        "audit.logs",
        "audit.logs-public-access",
        "audit.logs-ownership",
        "audit.logs-encryption",
        "audit.logs-versioning",
        "audit.logs-policy",
        "audit.logs-lifecycle",
    }


def test_the_recorder_starts_after_its_channel(compiled):
    system = compiled(SECURITY.format(audit="{config: true}"))
    assert system.node("audit.config-channel").key in system.node("audit.config-status").options.depends_on


def test_a_lock_may_not_outlive_the_files(problems):
    text = SECURITY.format(audit="{object_lock: 3y}")
    assert problems(text + "audit: {keep: 1y}")["audit", "keep"] == "MI3110"
