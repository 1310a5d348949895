"""Every figure of the project's goals, measured now: what is compared, the medians, the ratio and its limit.

Rounds take turns, medians count, and time is the clock's: processor time is printed beside it, since a busy machine
stretches the clock of some more than of others. A cold process is a new one, with byte code cached as in any
installation.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks import generate_system, terraform
from benchmarks.browser import first_answer
from benchmarks.measure import Command, Comparison, mlops_iac, run, told
from benchmarks.measure import in_turns as _in_turns
from mlops_iac.cli.reporting import report_forms
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.policies.registry import own_packs

EXAMPLE = Path(__file__).parents[1] / "examples" / "fraud-detection"
BARE = """\
import click

@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("1", prog_name="bare")
def cli():
    "A program without anything."

@cli.command()
def verb():
    "Does nothing."

cli(prog_name="bare")
"""


def preview(system: Path) -> Command:
    """What previews a system in a fresh process."""
    return lambda: run(mlops_iac("preview", "-C", system))


def run_of_nothing(scratch: Path) -> Command:
    """What previews a system that declares no component: the time to start."""
    folder = scratch / "nothing"
    folder.mkdir()
    (folder / "system.yaml").write_text(generate_system.head(), encoding="utf-8")
    return preview(folder)


class Bench:
    """The benchmarks, each a method that yields its lines. ``scratch`` is a folder for their files."""

    def __init__(self, scratch: Path, rounds: int) -> None:
        self._scratch = scratch
        self._rounds = rounds
        self._in_turns = partial(_in_turns, rounds)
        self._generated = cache(self._generate)

    def lines(self, name: str) -> Iterator[Comparison]:
        """The lines of one benchmark; one that breaks says so instead of ending the others."""
        try:
            yield from getattr(self, name)()
        except RuntimeError as error:
            yield Comparison(name, f"a command failed: {error}", None, 0)

    def help(self) -> Iterator[Comparison]:
        """Help beside a bare program of the same library."""
        program = self._scratch / "bare.py"
        program.write_text(BARE, encoding="utf-8")
        cost = _in_turns(
            self._rounds * 4,
            ours=lambda: run(mlops_iac("--help")),
            bare=lambda: run([sys.executable, str(program), "--help"]),
        )
        detail = f"mlops-iac --help {told(cost['ours'])}; bare click program {told(cost['bare'])}"
        yield Comparison("--help beside a bare click program", detail, cost["ours"].wall / cost["bare"].wall, 1.5)

    def example(self) -> Iterator[Comparison]:
        """The example beside terraform."""
        count = generate_system.count_resources(EXAMPLE)
        what = f"preview of examples/fraud-detection ({count} resources) beside terraform plan of as many"
        peer = terraform.plan_of(self._scratch, count)
        if peer is None:
            yield Comparison(what, terraform.MISSING, None, 3)
            return
        cost = _in_turns(self._rounds * 2, ours=preview(EXAMPLE), peer=peer)
        detail = f"mlops-iac preview {told(cost['ours'])}; terraform plan {told(cost['peer'])}"
        yield Comparison(what, detail, cost["ours"].wall / cost["peer"].wall, 3)

    def pulumi(self) -> Iterator[Comparison]:
        """Each example beside the real Pulumi engine."""
        from benchmarks import pulumi_peer

        for number, example in enumerate(pulumi_peer.EXAMPLES):
            graph = pulumi_peer.graph_of(example)
            reason = pulumi_peer.missing() or (graph if isinstance(graph, str) else "")
            if reason or isinstance(graph, str):
                yield Comparison(example.what, reason, None, example.limit)
                continue
            peer = pulumi_peer.preview_of(self._scratch / f"pulumi-{number}", example, graph)
            cost = self._in_turns(ours=preview(example.system), peer=peer)
            projects = 1 if example.program is not None else len(graph.stacks)
            detail = (
                f"mlops-iac preview {told(cost['ours'])}; pulumi preview, {projects} "
                f"project{'s' if projects > 1 else ''} {told(cost['peer'])}"
            )
            yield Comparison(example.what, detail, cost["ours"].wall / cost["peer"].wall, example.limit)

    def generated(self) -> Iterator[Comparison]:
        """A generated system beside terraform."""
        system, count = self._generated(2_500)
        what = f"preview of a generated system of {count} resources beside terraform plan of as many"
        peer = terraform.plan_of(self._scratch, count)
        if peer is None:
            yield Comparison(what, terraform.MISSING, None, 1)
            return
        cost = self._in_turns(ours=preview(system), peer=peer)
        detail = f"mlops-iac preview {told(cost['ours'])}; terraform plan {told(cost['peer'])}"
        yield Comparison(what, detail, cost["ours"].wall / cost["peer"].wall, 1)

    def scale(self) -> Iterator[Comparison]:
        """Time and memory as a system grows."""
        (small, few), (large, many) = self._generated(1_000), self._generated(10_000)
        start = run_of_nothing(self._scratch)
        cost = self._in_turns(small=preview(small), large=preview(large), start=start)
        each = {"few": cost["small"].wall / few, "many": cost["large"].wall / many}
        own = {name: cost[name].cpu - cost["start"].cpu for name in ("small", "large")}
        marginal = (own["large"] / many) / (own["small"] / few)
        detail = (
            f"{few} resources {told(cost['small'])}, {each['few'] * 1000:.2f} ms each; "
            f"{many} resources {told(cost['large'])}, {each['many'] * 1000:.2f} ms each; "
            f"beyond the {cost['start'].cpu:.2f} s of processor for nothing: {marginal:.2f}x per resource"
        )
        yield Comparison("time per resource at 10,000 beside 1,000", detail, each["many"] / each["few"], 1.2)
        yield Comparison(f"peak memory of a preview of {many} resources", detail, cost["large"].memory, 300, " MB")

    def policies(self) -> Iterator[Comparison]:
        """A preview that judges by every pack beside one that does not judge at all."""
        system, count = self._generated(1_000)
        chosen = f"+policies.packs=[{','.join(own_packs())}]"
        unjudged = [sys.executable, "-m", "benchmarks.unjudged", "preview", "-C", str(system), "+policies.packs=[]"]
        cost = self._in_turns(
            judged=lambda: run(mlops_iac("preview", "-C", system, chosen)), unjudged=lambda: run(unjudged)
        )
        what = f"preview of {count} resources with all {len(own_packs())} packs beside one without any policy"
        detail = f"with the check {told(cost['judged'])}; without {told(cost['unjudged'])}"
        yield Comparison(what, detail, cost["judged"].cpu / cost["unjudged"].cpu, 1.25)

    def report(self) -> Iterator[Comparison]:
        """A preview with its report beside one without, and the page of a large system in a browser."""
        folder = self._scratch / "report"
        cost = self._in_turns(
            plain=preview(EXAMPLE), report=lambda: run(mlops_iac("preview", "-C", EXAMPLE, "--report", folder))
        )
        detail = f"mlops-iac preview {told(cost['plain'])}; with --report {told(cost['report'])}"
        ratio = (cost["report"].wall - cost["plain"].wall) / cost["plain"].wall
        yield Comparison("rendering the report of examples/fraud-detection beside its preview", detail, ratio, 1.5)
        system, count = self._generated(1_000)
        page = folder / "report.html"
        page.write_text(report_forms(run_phases(request_at(system)), system)["report.html"], encoding="utf-8")
        size = page.stat().st_size / 1e6
        yield Comparison(f"report page of {count} resources", "uncompressed", size, 2, " MB")
        what = f"report page of {count} resources in Chromium until its filter has answered"
        answer = first_answer(page)
        if answer is None:
            yield Comparison(what, "no chromium here", None, 1)
        else:
            detail = f"from opening the file, median of 5; {answer.cpu:.2f} s of processor"
            yield Comparison(what, detail, answer.wall, 1, " s")

    def journal(self) -> Iterator[Comparison]:
        """Bytes that the local engine writes per operation."""
        from benchmarks.journal import bytes_per_operation

        small, large = bytes_per_operation(self._scratch, 100), bytes_per_operation(self._scratch, 2_000)
        detail = f"{small:.0f} bytes with 100 resources in the state, {large:.0f} with 2,000"
        yield Comparison("bytes written per operation, large state beside small", detail, large / small, 1.2)

    def damaged(self) -> Iterator[Comparison]:
        """The slowest answer to a damaged configuration."""
        text = (EXAMPLE / "system.yaml").read_text(encoding="utf-8")
        chance = random.Random(0)
        folder = self._scratch / "damaged"
        folder.mkdir()
        slowest = 0.0
        for _ in range(300):
            (folder / "system.yaml").write_bytes(_damage(chance, text))
            started = time.perf_counter()
            _answer(folder)
            slowest = max(slowest, time.perf_counter() - started)
        yield Comparison("slowest of 300 damaged copies of the example", "seed 0, in one process", slowest, 2, " s")

    def _generate(self, resources: int) -> tuple[Path, int]:
        # In a process of its own: what is measured later inherits the peak memory of the process that starts it.
        folder = self._scratch / f"generated-{resources}"
        command = [sys.executable, "-m", "benchmarks.generate_system", str(folder), "--resources", str(resources)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return folder, int(done.stdout.split()[-2])


BENCHMARKS = ("help", "example", "generated", "scale", "policies", "report", "journal", "damaged", "pulumi")


def _damage(chance: random.Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        lines[at : at + 1] = chance.choice(([], [lines[at]] * 2, [lines[at].replace(": ", " ", 1)], ["\t" + lines[at]]))
    data = bytearray("".join(lines).encode())
    if chance.random() < 0.5:
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _answer(folder: Path) -> Any:
    from mlops_iac.diagnostics import DiagnosticsError

    try:
        return run_phases(request_at(folder))
    except DiagnosticsError as error:
        return error.diagnostics


def main() -> int:
    """Run the benchmarks; the answer is 1 where ``--check`` is given and a limit is passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of: {', '.join(BENCHMARKS)}; all without")
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each command (default 5)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is passed")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    lines: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="mlops-iac-bench-") as scratch:
        bench = Bench(Path(scratch), given.rounds)
        for name in given.names or BENCHMARKS:
            for line in bench.lines(name):
                lines.append(line)
                print(line, flush=True)
    taken = [line for line in lines if line.value is not None]
    print(
        f"\n{sum(line.met for line in taken)} of {len(taken)} within their limit, {len(lines) - len(taken)} not taken"
    )
    return 1 if given.check and not all(line.met for line in taken) else 0


if __name__ == "__main__":
    sys.exit(main())
