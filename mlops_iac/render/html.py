"""The shell of every HTML page: one self-contained document, readable from a file, in light and dark, on a phone.

A page loads nothing: its Content-Security-Policy allows no request at all, only the style and script inside it.
Colours are custom properties, so that pictures and tables follow the reader's scheme; a page adds rules of its own
with ``style``, in the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, Literal

from mlops_iac.render.visible import visible

Mood = Literal["good", "bad", "warn", "note", "quiet"]
"""What a badge means; each has a colour of its own, and never only a colour: a badge always has a word."""


def document(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """A whole page around ``body``, which is HTML; ``title`` is text."""
    scripts = f"<script>{script}</script>\n" if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT_POLICY}">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to content</a>\n'
        f'<main id="main">\n{body}\n</main>\n{scripts}</body>\n</html>\n'
    )


def text(value: str) -> str:
    """Foreign text for an element or a quoted attribute: escaped, and with control characters shown."""
    return escape(visible(value))


def code(value: str) -> str:
    """Foreign text in the fixed-width face."""
    return f"<code>{text(value)}</code>"


def badge(word: str, mood: Mood = "quiet") -> str:
    """A short coloured word, such as a verdict."""
    return f'<span class="badge {mood}">{text(word)}</span>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, name: str = "") -> str:
    """A table of cells that are HTML; it scrolls by itself where the page is narrow. ``name`` is for screen readers."""
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    label = f' aria-label="{text(name)}"' if name else ""
    return (
        f'<div class="scroll" tabindex="0" role="region"{label}>'
        f"<table>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of named facts; the names are text, the facts HTML."""
    return '<dl class="facts">' + "".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in pairs) + "</dl>"


_CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)

STYLE: Final = (
    ":root{color-scheme:light dark;--page:#fff;--ink:#1b2733;--quiet:#586879;--line:#d6dee6;--panel:#f4f7fa;"
    "--edge:#8aa0b8;--accent:#0b62ba;--good:#17683a;--good-bg:#e2f4e8;--bad:#a8161f;--bad-bg:#fde7e8;"
    "--warn:#7a4b00;--warn-bg:#fdf0d5;--note:#0b5394;--note-bg:#e3effb;--quiet-bg:#e9eef3}"
    "@media(prefers-color-scheme:dark){:root{--page:#0f151b;--ink:#e3eaf1;--quiet:#9dafc0;--line:#2b3947;"
    "--panel:#17202a;--edge:#5b7188;--accent:#6cb2ff;--good:#7fdca0;--good-bg:#12301f;--bad:#ff9a9e;--bad-bg:#3d1519;"
    "--warn:#f3c56b;--warn-bg:#372a0d;--note:#8cc4ff;--note-bg:#10283f;--quiet-bg:#223040}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;"
    "overflow-wrap:anywhere}"
    "main{max-width:76rem;margin:0 auto;padding:1.5rem clamp(1rem,3vw,2.5rem) 4rem}"
    "h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.3rem;margin:2.5rem 0 .75rem;"
    "padding-top:.5rem;border-top:1px solid var(--line)}h3{font-size:1.05rem;margin:1.5rem 0 .5rem}"
    "a{color:var(--accent)}code{font:.875em ui-monospace,monospace}"
    ".lead{color:var(--quiet);max-width:48rem}.quiet{color:var(--quiet)}"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem}"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
    "nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:1rem 0;padding:0}"
    ".scroll{overflow-x:auto;margin:.75rem 0}"
    "table{border-collapse:collapse;width:100%;font-size:.875rem}"
    "th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}"
    "th{color:var(--quiet);font-weight:600}td{min-width:5rem}"
    ".badge{display:inline-block;padding:0 .5em;border-radius:1em;font-size:.8125rem;font-weight:600;"
    "white-space:nowrap;color:var(--quiet);background:var(--quiet-bg)}"
    ".badge.good{color:var(--good);background:var(--good-bg)}.badge.bad{color:var(--bad);background:var(--bad-bg)}"
    ".badge.warn{color:var(--warn);background:var(--warn-bg)}.badge.note{color:var(--note);background:var(--note-bg)}"
    ".facts{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.3rem 1.25rem;margin:.75rem 0}"
    ".facts dt{color:var(--quiet)}.facts dd{margin:0}"
    ".panel{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}"
    "details{border-bottom:1px solid var(--line);padding:.4rem 0}summary{cursor:pointer}"
    "figure{margin:1rem 0}figcaption{color:var(--quiet);font-size:.875rem}"
    "@media(max-width:40rem){h1{font-size:1.4rem}.facts{grid-template-columns:1fr;gap:0}"
    ".facts dd{margin-bottom:.5rem}}"
    "@media print{.skip,nav{display:none}details>*{display:block}}"
)
"""The rules that every page shares."""
