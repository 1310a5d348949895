"""What a CI provider is: the unit that one file in ``delivery/providers`` declares and the registry finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mlops_iac.delivery.project import Identity, Project, Target

GENERATED: Final = "Written by `mlops-iac delivery` from system.yaml"
"""How a generated file begins: what does not begin so is somebody's own and never overwritten."""
HEADER: Final = f"{GENERATED}; change that and run it again."


@dataclass(frozen=True, slots=True)
class Provider:
    """A CI system.

    ``file``: where its file goes, from the repository's root; ``{system}`` stands for the system's name. ``render``
    words the whole file. ``identity`` answers who its tokens say a job is; None where it has no OIDC tokens and so no
    way to a cloud account without a stored key. ``needs`` names the ``delivery.identity`` keys without which that
    cannot be said, and ``needs_environments`` the suffixes of the environments whose ids it needs. ``setup`` tells,
    line by line, what has to be set once in the CI system, because no file can say it.
    """

    name: str
    label: str
    file: str
    render: Callable[[Project], str]
    identity: Callable[[Project, Target], Identity] | None
    setup: Callable[[Project], tuple[str, ...]]
    source_url: str
    needs: tuple[str, ...] = ()
    needs_environments: tuple[str, ...] = ()
