"""Apply, update, replace, delete and their failures, against the file-backed fake provider."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import PROTECTED
from mlops_iac.engines.events import Event, EventKind
from mlops_iac.engines.local.codes import MISSING_OUTPUT, OUTCOME_UNKNOWN, RESOURCE_FAILED
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.provider import OutcomeUnknownError, ProviderError
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.graph.nodes import Stack
from mlops_iac.graph.values import Join, Ref, Secret, StackOutput
from mlops_iac.plan.model import Op

from . import fake
from .fake import NAMED, UNNAMED, FakeProvider, chain, factory, key, node, stack


@pytest.fixture
def provider(tmp_path: Path) -> FakeProvider:
    return FakeProvider(tmp_path / "cloud")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path, environ={})
    store.prepare()
    return store


def test_what_is_refused_is_not_made_and_what_needs_it_is_not_tried(provider: FakeProvider, store: Store) -> None:
    told = Diagnostic("MI5100", "the address is public", "make it private")

    def refusal(urn: str, inputs: Mapping[str, Any]) -> Diagnostic | None:
        return told if inputs.get("visibilityTimeoutSeconds") == 60 else None

    settings = Settings(refusal=refusal)
    assert apply_stack(chain(10), {}, factory(provider), store, settings).ok
    before = provider.objects()
    result = apply_stack(chain(10, timeout=60), {}, factory(provider), store, settings)

    assert set(result.failures) == {told} and not result.done
    assert provider.objects() == before
    assert apply_stack(chain(10, timeout=60), {}, factory(provider), store).ok


def test_a_second_apply_does_nothing(provider: FakeProvider, store: Store) -> None:
    wanted = chain(20)
    first = apply_stack(wanted, {}, factory(provider), store)
    assert first.ok and len(first.done) == 18
    assert first.outputs == {"first": "arn:aws:fake:::q00"}
    calls = provider.calls()
    serial = first.snapshot.serial
    second = apply_stack(wanted, {}, factory(provider), store)
    assert (second.done, second.same, second.snapshot.serial) == ((), 18, serial)
    assert provider.calls() == calls


def test_dependencies_come_first(provider: FakeProvider, store: Store) -> None:
    apply_stack(chain(20), {}, factory(provider), store)
    created = [urn.rpartition("::")[2] for verb, urn in provider.calls() if verb == "create"]
    assert created.index("net01") < created.index("q01")
    assert created.index("q00") < created.index("q01") < created.index("q02")


def test_update_in_place(provider: FakeProvider, store: Store) -> None:
    apply_stack(chain(10), {}, factory(provider), store)
    result = apply_stack(chain(10, timeout=60), {}, factory(provider), store)
    assert {outcome.op for outcome in result.done} == {Op.UPDATE} and len(result.done) == 4
    assert provider.objects()["q00"]["inputs"]["visibilityTimeoutSeconds"] == 60


def test_replace_creates_before_it_deletes(provider: FakeProvider, store: Store) -> None:
    apply_stack(stack(node(UNNAMED, "a", {"vpcId": "v", "cidrBlock": "10.0.0.0/24"})), {}, factory(provider), store)
    before = set(provider.objects())
    result = apply_stack(
        stack(node(UNNAMED, "a", {"vpcId": "v", "cidrBlock": "10.0.1.0/24"})), {}, factory(provider), store
    )
    assert [outcome.op for outcome in result.done] == [Op.REPLACE]
    assert [verb for verb, _ in provider.calls()] == ["create", "create", "delete"]
    assert len(provider.objects()) == 1 and not before & set(provider.objects())
    assert not any(resource.delete for resource in result.snapshot.resources)


def test_a_kept_name_deletes_before_it_creates(provider: FakeProvider, store: Store) -> None:
    apply_stack(stack(node(NAMED, "q", {"name": "q"})), {}, factory(provider), store)
    result = apply_stack(stack(node(NAMED, "q", {"name": "q", "fifoQueue": True})), {}, factory(provider), store)
    assert [outcome.op for outcome in result.done] == [Op.REPLACE]
    assert [verb for verb, _ in provider.calls()] == ["create", "delete", "create"]


def test_what_cannot_outlive_a_resource_goes_with_it(provider: FakeProvider, store: Store) -> None:
    bucket, policy = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"

    def wanted(lock: bool) -> object:
        return stack(
            node(bucket, "b", {"bucket": "b", "objectLockEnabled": lock}),
            node(policy, "p", {"bucket": Ref(key(bucket, "b"), ("bucket",)), "policy": "{}"}),
        )

    apply_stack(wanted(False), {}, factory(provider), store)  # type: ignore[arg-type]
    result = apply_stack(wanted(True), {}, factory(provider), store)  # type: ignore[arg-type]
    assert result.ok
    steps = [(verb, urn.rpartition("::")[2]) for verb, urn in provider.calls()[2:]]
    assert steps == [("delete", "p"), ("delete", "b"), ("create", "b"), ("create", "p")]
    assert {outcome.op for outcome in result.done} == {Op.REPLACE}


def test_deletes_run_users_first(provider: FakeProvider, store: Store) -> None:
    apply_stack(chain(12), {}, factory(provider), store)
    result = apply_stack(stack(), {}, factory(provider), store)
    assert result.ok and provider.objects() == {}
    deleted = [urn.rpartition("::")[2] for verb, urn in provider.calls() if verb == "delete"]
    assert deleted.index("q02") < deleted.index("q01") < deleted.index("q00") < deleted.index("net00")


def test_a_failure_stops_only_what_depends_on_it(provider: FakeProvider, store: Store) -> None:
    provider.fail = lambda verb, urn: ProviderError("quota exceeded") if urn.endswith("::q01") else None
    result = apply_stack(chain(14), {}, factory(provider), store)
    assert not result.ok
    assert [item.code for item in result.failures] == [RESOURCE_FAILED]
    assert "quota exceeded" in result.failures[0].message
    assert {urn.rpartition("::")[2] for urn in result.skipped} == {"q02"}
    assert len(provider.objects()) == 10
    provider.fail = lambda verb, urn: None
    done = apply_stack(chain(14), {}, factory(provider), store)
    assert {outcome.name for outcome in done.done} == {"q01", "q02"}


def test_every_failure_is_listed(provider: FakeProvider, store: Store) -> None:
    provider.fail = lambda verb, urn: ProviderError("no") if "Subnet" in urn else None
    result = apply_stack(chain(14), {}, factory(provider), store)
    assert len(result.failures) == 6 and len(result.skipped) == 6


def test_a_failed_delete_keeps_what_is_used(provider: FakeProvider, store: Store) -> None:
    apply_stack(chain(6), {}, factory(provider), store)
    provider.fail = lambda verb, urn: ProviderError("in use") if (verb, urn[-3:]) == ("delete", "q00") else None
    result = apply_stack(stack(), {}, factory(provider), store)
    assert {urn.rpartition("::")[2] for urn in result.skipped} == {"net00", "all"}
    names = {resource.urn.rpartition("::")[2] for resource in result.snapshot.resources}
    assert {"q00", "net00", "aws"} <= names
    provider.fail = lambda verb, urn: None
    left = apply_stack(stack(), {}, factory(provider), store).snapshot.resources
    assert [resource.type for resource in left] == [fake.AWS]


def test_a_failed_replacement_does_not_strand_its_users(provider: FakeProvider, store: Store) -> None:
    def wanted(fifo: bool) -> object:
        return stack(
            node(NAMED, "a", {"name": "a", "fifoQueue": fifo}),
            node(NAMED, "b", {"name": "b", "tags": {"a": Ref(key(NAMED, "a"), ("arn",))}}),
        )

    apply_stack(wanted(False), {}, factory(provider), store)  # type: ignore[arg-type]
    provider.fail = lambda verb, urn: ProviderError("no") if (verb, urn[-1]) == ("create", "a") else None
    assert not apply_stack(wanted(True), {}, factory(provider), store).ok  # type: ignore[arg-type]
    provider.fail = lambda verb, urn: None
    assert apply_stack(wanted(True), {}, factory(provider), store).ok  # type: ignore[arg-type]
    assert sorted(provider.objects()) == ["a", "b"]


def test_protected_resources_are_refused_before_any_call(provider: FakeProvider, store: Store) -> None:
    wanted = stack(node(NAMED, "q", {"name": "q"}, protect=True), node(NAMED, "r", {"name": "r"}))
    apply_stack(wanted, {}, factory(provider), store)
    calls = provider.calls()
    for changed in (stack(), stack(node(NAMED, "q", {"name": "other"}, protect=True))):
        with pytest.raises(DiagnosticsError) as caught:
            apply_stack(changed, {}, factory(provider), store)
        assert [item.code for item in caught.value.diagnostics] == [PROTECTED]
    assert provider.calls() == calls


def test_taking_the_protection_away_allows_a_replacement_in_the_same_run(provider: FakeProvider, store: Store) -> None:
    apply_stack(stack(node(NAMED, "q", {"name": "q"}, protect=True)), {}, factory(provider), store)
    assert apply_stack(stack(node(NAMED, "q", {"name": "r"})), {}, factory(provider), store).ok
    assert list(provider.objects()) == ["r"]


def test_a_failed_replacement_is_remembered_and_finished(provider: FakeProvider, store: Store) -> None:
    bucket, policy = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"

    def wanted(lock: bool) -> Stack:
        return stack(
            node(bucket, "b", {"bucket": "b", "objectLockEnabled": lock}),
            node(policy, "p", {"bucket": Ref(key(bucket, "b"), ("bucket",)), "policy": "{}"}),
        )

    apply_stack(wanted(False), {}, factory(provider), store)
    provider.fail = lambda verb, urn: ProviderError("no") if (verb, urn[-1]) == ("create", "b") else None
    failed = apply_stack(wanted(True), {}, factory(provider), store)
    assert not failed.ok
    pending = {item.urn[-1] for item in failed.snapshot.resources if item.pending_replacement}
    assert pending == {"b", "p"} and provider.objects() == {}
    provider.fail = lambda verb, urn: None
    calls = len(provider.calls())
    done = apply_stack(wanted(True), {}, factory(provider), store)
    assert done.ok and not any(item.pending_replacement for item in done.snapshot.resources)
    assert [verb for verb, _ in provider.calls()[calls:]] == ["create", "create"]


def test_what_was_deleted_to_be_replaced_is_forgotten_when_it_is_not_wanted_any_more(
    provider: FakeProvider, store: Store
) -> None:
    apply_stack(stack(node(NAMED, "q", {"name": "q"})), {}, factory(provider), store)
    provider.fail = lambda verb, urn: ProviderError("no") if verb == "create" else None
    assert not apply_stack(stack(node(NAMED, "q", {"name": "q", "fifoQueue": True})), {}, factory(provider), store).ok
    calls = len(provider.calls())
    assert [item.type for item in apply_stack(stack(), {}, factory(provider), store).snapshot.resources] == [fake.AWS]
    assert len(provider.calls()) == calls


def test_retained_resources_stay_in_the_cloud(provider: FakeProvider, store: Store) -> None:
    apply_stack(stack(node(NAMED, "q", {"name": "q"}, retain_on_delete=True)), {}, factory(provider), store)
    result = apply_stack(stack(), {}, factory(provider), store)
    assert [resource.type for resource in result.snapshot.resources] == [fake.AWS]
    assert list(provider.objects()) == ["q"]


def test_ignored_changes_make_no_call(provider: FakeProvider, store: Store) -> None:
    def wanted(timeout: int) -> object:
        inputs = {"name": "q", "visibilityTimeoutSeconds": timeout}
        return stack(node(NAMED, "q", inputs, ignore_changes=("visibilityTimeoutSeconds",)))

    apply_stack(wanted(1), {}, factory(provider), store)  # type: ignore[arg-type]
    assert apply_stack(wanted(2), {}, factory(provider), store).done == ()  # type: ignore[arg-type]


def test_an_alias_keeps_the_resource(provider: FakeProvider, store: Store) -> None:
    user = node(NAMED, "user", {"name": "user", "tags": {"a": Ref(key(NAMED, "old"), ("arn",))}})
    apply_stack(stack(node(NAMED, "old", {"name": "q"}), user), {}, factory(provider), store)
    moved = node(NAMED, "user", {"name": "user", "tags": {"a": Ref(key(NAMED, "new"), ("arn",))}})
    result = apply_stack(
        stack(node(NAMED, "new", {"name": "q"}, aliases=("old",)), moved), {}, factory(provider), store
    )
    assert result.ok and result.done == ()
    assert not any(resource.urn.endswith("::old") for resource in result.snapshot.resources)


def test_a_lost_answer_stays_pending_and_is_adopted(provider: FakeProvider, store: Store) -> None:
    wanted = stack(node(UNNAMED, "a", {"vpcId": "v"}))

    class Lossy(FakeProvider):
        def create(self, urn, type, inputs):  # type: ignore[no-untyped-def]
            super().create(urn, type, inputs)
            raise OutcomeUnknownError("read timeout")

    lossy = Lossy(provider.folder)
    result = apply_stack(wanted, {}, factory(lossy), store)
    assert [item.code for item in result.failures] == [OUTCOME_UNKNOWN]
    assert len(result.snapshot.pending) == 1
    again = apply_stack(wanted, {}, factory(provider), store)
    assert again.ok and again.snapshot.pending == () and again.done == ()
    assert [item.type for item in again.resolved] == ["creating"]
    assert len(provider.objects()) == 1


def test_an_unreachable_provider_settles_nothing(provider: FakeProvider, store: Store) -> None:
    test_wanted = stack(node(UNNAMED, "a", {"vpcId": "v"}))
    provider.fail = lambda verb, urn: OutcomeUnknownError("timeout") if verb == "create" else None
    apply_stack(test_wanted, {}, factory(provider), store)
    provider.fail = lambda verb, urn: fake.UNREACHABLE
    with pytest.raises(DiagnosticsError):
        apply_stack(test_wanted, {}, factory(provider), store)
    assert len(store.load("fraud-data", "dev").pending) == 1


def test_outputs_of_other_stacks(provider: FakeProvider, store: Store) -> None:
    reader = node(NAMED, "q", {"name": Join(("x-", StackOutput("foundation", "vpc")))})
    wanted = stack(reader)
    with pytest.raises(DiagnosticsError) as caught:
        # Before anything is made, as a Pulumi program is refused that reads such an output.
        apply_stack(stack(node(NAMED, "other", {"name": "other"}), reader), {}, factory(provider), store)
    assert [item.code for item in caught.value.diagnostics] == [MISSING_OUTPUT]
    assert "output 'vpc' of the foundation layer" in caught.value.diagnostics[0].message and not provider.objects()
    assert apply_stack(wanted, {"foundation": {"vpc": "v"}}, factory(provider), store).ok
    assert list(provider.objects()) == ["x-v"]


def test_secrets_are_sealed_on_disk_and_marked_in_outputs(provider: FakeProvider, store: Store) -> None:
    canary = "hunter2-canary-value"
    wanted = stack(
        node(NAMED, "q", {"name": "q", "policy": Secret(canary)}),
        outputs={"policy": Ref(key(NAMED, "q"), ("policy",))},
    )
    result = apply_stack(wanted, {}, factory(provider), store)
    assert provider.objects()["q"]["inputs"]["policy"] == canary
    assert result.outputs == {"policy": SecretValue(canary)}
    for path in store.folder.rglob("*"):
        assert not path.is_file() or canary.encode() not in path.read_bytes()
    assert store.load("fraud-data", "dev").outputs == {"policy": SecretValue(canary)}


def test_a_cancelled_run_keeps_what_it_finished(provider: FakeProvider, store: Store) -> None:
    seen: list[Event] = []
    settings = Settings(
        parallel=1,
        on_event=seen.append,
        cancelled=lambda: sum(event.kind is EventKind.DONE for event in seen) >= 3,
    )
    result = apply_stack(chain(20), {}, factory(provider), store, settings)
    assert result.stopped and not result.ok and len(result.done) == 3
    assert len(provider.objects()) == 3 and result.snapshot.pending == ()
    assert apply_stack(chain(20), {}, factory(provider), store).ok


def test_events_tell_start_and_end(provider: FakeProvider, store: Store) -> None:
    seen: list[Event] = []
    apply_stack(chain(6), {}, factory(provider), store, Settings(on_event=seen.append))
    kinds = [event.kind for event in seen if event.name == "net00"]
    assert kinds == [EventKind.STARTED, EventKind.DONE]
