from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.components.compute.queues import Pool, QueueSpec, shares
from mlops_iac.providers.ec2 import instance_types

TYPES = ("m6i.large", "c7i.4xlarge", "g5.xlarge", "g5.12xlarge", "p5.48xlarge", "g6f.large")


@st.composite
def pool_lists(draw: st.DrawFn) -> list[Pool]:
    types = draw(st.lists(st.sampled_from(TYPES), max_size=5))
    pools = [
        Pool(f"pool-{number}", instance_types()[type], draw(st.integers(1, 50))) for number, type in enumerate(types)
    ]
    return [Pool("system", instance_types()["m6i.large"], 4), *pools]


@given(pool_lists(), st.integers(0, 400))
def test_a_queue_gets_the_gpus_it_is_promised_and_no_pool_gives_more_than_it_has(pools: list[Pool], gpus: int) -> None:
    found = {share.pool: share for share in shares(QueueSpec(gpus=gpus), pools)}
    available = sum(pool.gpus for pool in pools)
    assert sum(share.gpus for share in found.values()) == min(gpus, available)
    for pool in pools:
        if pool.name in found:
            assert 0 <= found[pool.name].gpus <= pool.gpus
            assert found[pool.name].cpu <= pool.instance.vcpus * pool.max_nodes


@given(pool_lists(), st.integers(1, 500))
def test_processors_come_from_one_pool_without_gpus(pools: list[Pool], cpu: int) -> None:
    found = [share for share in shares(QueueSpec(cpu=cpu), pools) if share.cpu]
    assert [share.cpu for share in found] == [cpu]
    assert found[0].memory_gib == 4 * cpu


def test_the_system_pool_takes_jobs_only_where_nothing_else_does() -> None:
    system, batch = (Pool(name, instance_types()["m6i.large"], 4) for name in ("system", "batch"))
    assert [share.pool for share in shares(QueueSpec(cpu=1), [system])] == ["system"]
    assert [share.pool for share in shares(QueueSpec(cpu=1), [system, batch])] == ["batch"]
