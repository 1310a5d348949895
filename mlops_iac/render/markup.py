"""HTML as nested calls. What is not finished markup is escaped where it is put in, so nobody can forget to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

    An attribute that is False or None is left out, one that is True stands without a value. A child that is a line
    end by itself stays one.
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
    parts += _pieces(children)
    parts.append(f"</{tag}>")
    return Html("".join(parts))


def join(children: Iterable[Child], between: str) -> Html:
    """Several things one after the other, with ``between`` them foreign text, markup or a line end."""
    separator = "".join(_pieces((between,)))
    return Html(separator.join("".join(_pieces((child,))) for child in children))


def _pieces(children: Iterable[Child]) -> Iterator[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html) or child == "\n":
            yield str(child)
        elif isinstance(child, str):
            yield text(child)
        else:
            yield from _pieces(child)
