"""What the verbs that reach a target share: which engine applies where, its progress display, and confirmation."""

from __future__ import annotations

import functools
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import click

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import MISSING_EXTRA, NOT_CONFIRMED
from mlops_iac.graph.nodes import LAYERS, Layer

if TYPE_CHECKING:
    from mlops_iac.engines.engine import Engine
    from mlops_iac.engines.events import OnEvent
    from mlops_iac.engines.states import States
    from mlops_iac.pipeline import Run
    from mlops_iac.policies.settle import Settle

Function = TypeVar("Function", bound=Callable[..., object])


def only_option(function: Function) -> Function:
    """Add ``--only LAYERS``; the verb gets ``only``, every layer without it."""
    return click.option(
        "--only",
        callback=_layers,
        metavar="LAYERS",
        help="Only these layers, for example serving,models; the others are taken as they are deployed.",
    )(function)


def target_options(function: Function) -> Function:
    """Add what chooses and steers the target; the verb gets it as ``choice``."""

    @functools.wraps(function)
    def collected(
        *args: object,
        engines: Engines | None,
        yes: bool,
        parallel: int,
        kube_context: str | None,
        force_lock: bool,
        **kwargs: object,
    ) -> object:
        choice = TargetChoice(engines or Engines(), yes, parallel, kube_context, force_lock, engines is not None)
        return function(*args, choice=choice, **kwargs)

    decorated: Callable[..., object] = engine_options(collected)
    for option in (
        click.option(
            "--force-lock",
            is_flag=True,
            help="Take the lock from a holder on another machine that is known to be gone.",
        ),
        click.option(
            "--kube-context",
            metavar="NAME",
            help="Apply Kubernetes objects to this context of your kubeconfig, wherever it points.",
        ),
        click.option(
            "--parallel", type=click.IntRange(1, 64), default=8, show_default=True, help="Operations at the same time."
        ),
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        only_option,
    ):
        decorated = option(decorated)
    return cast("Function", decorated)


def engine_options(function: Function) -> Function:
    """Add what chooses the engine; the verb gets it as ``engines``, None where the user chose nothing."""

    @functools.wraps(function)
    def collected(*args: object, engines: Engines, named: bool, **kwargs: object) -> object:
        return function(*args, engines=engines if named else None, **kwargs)

    return _choosing(cast("Function", collected), "Pulumi stack of every layer.  [default: the environment's]")


def states_options(function: Function) -> Function:
    """Add what chooses the engine whose states a verb works on; the verb gets them as ``engines``."""

    @functools.wraps(function)
    def collected(*args: object, named: bool, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return _choosing(cast("Function", collected), "Environment.  [default: the only one that has a state]")


def _choosing(function: Function, stack_help: str) -> Function:
    """Add the options; ``function`` gets ``engines``, and whether the user ``named`` an engine or a target."""

    @functools.wraps(function)
    def collected(
        *args: object,
        engine: str | None,
        target: str | None,
        stacks: Path | None,
        stack: str | None,
        install_pulumi: bool,
        **kwargs: object,
    ) -> object:
        chosen = Engines(*_engine_and_target(engine, target), stacks, stack, install_pulumi)
        return function(*args, engines=chosen, named=engine is not None or target is not None, **kwargs)

    decorated: Callable[..., object] = collected
    for option in (
        click.option(
            "--install-pulumi", is_flag=True, help="Let Pulumi's own installer fetch the CLI where there is none."
        ),
        click.option("--stack", metavar="NAME", help=stack_help),
        click.option(
            "--stacks",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            metavar="DIR",
            help="Folder of the Pulumi projects.  [default: stacks/ in the system's folder]",
        ),
        click.option(
            "--target",
            type=click.Choice(["local", "cloud"]),
            help="This machine, or the account that `cloud` names.  [default: local; cloud with --engine pulumi]",
        ),
        click.option(
            "--engine",
            type=click.Choice(["local", "pulumi"]),
            help="What applies it; only pulumi reaches a cloud.  [default: local; pulumi with --target cloud]",
        ),
    ):
        decorated = option(decorated)
    return cast("Function", decorated)


@dataclass(frozen=True, slots=True)
class Engines:
    """Which engine applies where, and what the Pulumi engine needs to know."""

    pulumi: bool = False
    local: bool = True
    stacks: Path | None = None
    stack: str | None = None
    install: bool = False

    @property
    def name(self) -> str:
        """What a saved plan calls the choice."""
        return ("pulumi-local" if self.local else "pulumi") if self.pulumi else "local"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options that say the same, for a command that somebody is to type."""
        if not self.pulumi:
            return ()
        target = ("--target", "local") if self.local else ()
        stacks = ("--stacks", str(self.stacks)) if self.stacks is not None else ()
        stack = ("--stack", self.stack) if self.stack is not None else ()
        return ("--engine", "pulumi", *target, *stacks, *stack)


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """What ``target_options`` collected.

    ``named``: the user said which engine or target. ``continue_on_error``: see ``PulumiOptions``.
    """

    engines: Engines = Engines()
    yes: bool = False
    parallel: int = 8
    kube_context: str | None = None
    force_lock: bool = False
    named: bool = False
    continue_on_error: bool = False


@contextmanager
def engine_for(run: Run, choice: TargetChoice, *, quiet: bool = False) -> Iterator[tuple[Engine, Run]]:
    """The chosen engine for a compiled run, and the run with the stacks as that engine names them.

    Shows progress on standard error unless ``quiet``. Raises ``DiagnosticsError`` where what the engine needs is
    missing.
    """
    from mlops_iac.render.progress import Progress

    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    progress = Progress(sys.stderr)
    try:
        engine = _engine(run, choice, _ignore if quiet else progress)
        yield engine, replace(run, graph=engine.named(run.graph))
    finally:
        progress.close()


def states_of(folder: Path, engines: Engines) -> States:
    """The states of the system in ``folder`` that the chosen engine keeps. Raises ``DiagnosticsError``."""
    with _needed_by(engines):
        if engines.pulumi:
            return _pulumi_states(folder.resolve(), engines)
        from mlops_iac.engines.local.store import Store

        return Store(folder.resolve())


def _engine(run: Run, choice: TargetChoice, on_event: OnEvent) -> Engine:
    with _needed_by(choice.engines):
        return (_pulumi_engine if choice.engines.pulumi else _local_engine)(run, choice, on_event)


@contextmanager
def _needed_by(engines: Engines) -> Iterator[None]:
    """Raise ``DiagnosticsError`` where the packages of an engine are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        name, extra = (
            ("Pulumi", "local,pulumi" if engines.local else "pulumi") if engines.pulumi else ("local", "local")
        )
        text = f"the {name} engine needs the Python package {error.name}, which is not installed"
        raise DiagnosticsError([Diagnostic(MISSING_EXTRA, text, f"pip install 'mlops-iac[{extra}]'")]) from error


def _local_engine(run: Run, choice: TargetChoice, on_event: OnEvent) -> Engine:
    from mlops_iac.engines.local.engine import LocalEngine, LocalOptions

    options = LocalOptions(
        parallel=choice.parallel,
        context=choice.kube_context,
        force=choice.force_lock,
        command=click.get_current_context().command_path,
        on_event=on_event,
        refusal=_settle(run),
    )
    return LocalEngine(run.request.compose.root, options)


def _settle(run: Run) -> Settle:
    """What decides, before a resource is made, the verdicts that the preview had to leave open."""
    from mlops_iac.policies.settle import settle
    from mlops_iac.policies.views import view_graph

    graph, system = run.graph, run.system
    if graph is None or system is None:
        raise ValueError("the compile phase made no graph")
    return settle(run.findings, lambda: view_graph(graph, system, run.request.today))


def _pulumi_engine(run: Run, choice: TargetChoice, on_event: OnEvent) -> Engine:
    from mlops_iac.engines.pulumi.automation.site import PulumiOptions
    from mlops_iac.engines.pulumi.engine import PulumiEngine
    from mlops_iac.engines.pulumi.run_pack import RunPolicies

    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    chosen = choice.engines
    options = PulumiOptions(
        local=chosen.local,
        parallel=choice.parallel,
        stacks=chosen.stacks.resolve() if chosen.stacks is not None else None,
        stack=chosen.stack,
        overrides=run.request.compose.overrides,
        policies=RunPolicies(run.request.today, run.request.project_code, run.findings),
        context=choice.kube_context,
        install=chosen.install,
        continue_on_error=choice.continue_on_error,
        force=choice.force_lock,
        command=click.get_current_context().command_path,
        on_event=on_event,
    )
    return PulumiEngine(run.request.compose.root, run.graph.system, run.graph.environment, options)


def _pulumi_states(root: Path, engines: Engines) -> States:
    from mlops_iac.engines.pulumi.automation.site import PulumiOptions, Site
    from mlops_iac.engines.pulumi.automation.states import PulumiStates

    stacks = engines.stacks.resolve() if engines.stacks is not None else None
    return PulumiStates(Site(root, PulumiOptions(local=engines.local, stacks=stacks, install=engines.install)))


def tell_details(engine: Engine, run: Run, choice: TargetChoice) -> None:
    """Say where a change goes before anybody agrees to it: backend and stacks, and account and region of a cloud."""
    if run.system is not None:
        cloud = run.system.core.cloud
        where = () if choice.engines.local else (("account", cloud.account), ("region", cloud.region))
        for what, value in (*where, *engine.details):
            head = f"  {what + ':':<9} "
            # Addresses and names are copied: they stay in one piece.
            wrapper = textwrap.TextWrapper(80, head, " " * len(head), break_long_words=False, break_on_hyphens=False)
            click.echo(wrapper.fill(value), err=True)


def engines_named(name: str) -> Engines:
    """The choice that a saved plan names, with everything else as it is by default."""
    return Engines(pulumi=name.startswith("pulumi"), local=name != "pulumi")


def _engine_and_target(engine: str | None, target: str | None) -> tuple[bool, bool]:
    """Whether Pulumi's engine applies, and whether to this machine. Raises ``click.UsageError``."""
    pulumi = engine == "pulumi" or (engine is None and target == "cloud")
    local = target == "local" or (target is None and not pulumi)
    if not pulumi and not local:
        raise click.UsageError(
            "the local engine cannot apply to the cloud: everything that a real cloud sees goes through Pulumi; "
            "leave --engine out, or say --engine pulumi"
        )
    return pulumi, local


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a change. Raises ``DiagnosticsError`` without a terminal, ``click.Abort`` on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise DiagnosticsError(
            [
                Diagnostic(
                    NOT_CONFIRMED,
                    "nothing was changed: there is no terminal to ask on",
                    "give --yes to agree beforehand",
                )
            ]
        )
    click.confirm(question, abort=True)


def _ignore(event: object) -> None:
    """Shows nothing."""


def _layers(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Layer, ...]:
    if value is None:
        return LAYERS
    wanted = [name.strip() for name in value.split(",")]
    for name in wanted:
        if name not in LAYERS:
            raise click.BadParameter(f"{name!r} is not a layer; choose from {', '.join(LAYERS)}", context, parameter)
    return tuple(layer for layer in LAYERS if layer in wanted)
