"""What a look and a refresh find: only what was asked for is read, and a list is shown by what names its items."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.refresh import refresh_stack
from mlops_iac.engines.local.store import Store

from .fake import NAMED, FakeProvider, factory, node, stack

FIRST, LAST = {"name": "first", "port": 1}, {"name": "last", "port": 3}
BETWEEN = {"name": "between", "port": 2}


@pytest.fixture
def cloud(tmp_path: Path) -> FakeProvider:
    return FakeProvider(tmp_path / "cloud")


@pytest.fixture
def store(tmp_path: Path, cloud: FakeProvider) -> Store:
    """The state of two queues that exist, one of them changed by hand since: an item between two others."""
    store = Store(tmp_path / "system", environ={})
    store.prepare()
    queues = (node(NAMED, name, {"name": name, "rules": [FIRST, LAST]}) for name in ("jobs", "later"))
    assert apply_stack(stack(*queues), {}, factory(cloud), store).ok
    path = cloud._path("jobs")
    urn = cloud.objects()["jobs"]["urn"]
    changed = {"name": "jobs", "rules": [FIRST, BETWEEN, LAST]}
    cloud._write(path, {"urn": urn, "type": NAMED, "inputs": changed})
    return store


def test_an_item_between_others_is_shown_as_that(store: Store, cloud: FakeProvider) -> None:
    (drift,) = refresh_stack("fraud-data", "dev", factory(cloud), store, keep=False).drift
    assert [(item.path, item.kind, item.new) for item in drift.to_read] == [("rules[1]", "add", BETWEEN)]
    by_index = ["rules[1].name", "rules[1].port", "rules[2]"]
    assert [item.path for item in drift.diff] == by_index, "what rules decide by"


def test_only_what_is_asked_for_is_read(store: Store, cloud: FakeProvider) -> None:
    urns = {name: item["urn"] for name, item in cloud.objects().items()}
    found = refresh_stack("fraud-data", "dev", factory(cloud), store, keep=False, urns=[urns["later"]])
    assert (found.drift, found.same) == ((), 1)
    assert [urn for verb, urn in cloud.calls() if verb == "read"] == [urns["later"]]
