"""HTML as nested calls. What is not finished markup is escaped where it is put in, so nobody can forget to."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from mlops_iac.render.visible import visible

_VOID: Final = frozenset({"br", "col", "hr", "input", "link", "meta"})


class Html(str):
    """Markup that is finished: only ``element``, ``text`` and ``raw`` make it."""

    __slots__ = ()


Child = str | Html | Iterable["Child"] | None
"""What an element may hold; plain strings are foreign text, None is nothing."""


def text(value: str) -> Html:
    """Foreign text: escaped for content and attributes; characters that do not show are written as escapes."""
    return Html(escape(visible(value)))


def raw(markup: str) -> Html:
    """Markup of our own making, taken as it is."""
    return Html(markup)


def element(tag: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """One element. ``class_`` becomes ``class`` and ``aria_label`` becomes ``aria-label``.

    An attribute that is False or None is left out, one that is True stands without a value.
    """
    parts = [f"<{tag}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        name = key.rstrip("_").replace("_", "-")
        parts.append(f" {name}" if value is True else f' {name}="{text(str(value))}"')
    parts.append(">")
    if tag in _VOID:
        return Html("".join(parts))
    _append(children, parts)
    parts.append(f"</{tag}>")
    return Html("".join(parts))


def join(children: Iterable[Child], between: str = "") -> Html:
    """Several things one after the other, ``between`` them foreign text."""
    made = []
    for child in children:
        parts: list[str] = []
        _append((child,), parts)
        made.append("".join(parts))
    return Html(text(between).join(made))


def _append(children: Iterable[Child], parts: list[str]) -> None:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(text(child))
        else:
            _append(child, parts)
