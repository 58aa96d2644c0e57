"""`msbtui cache`: what is kept of layers that were read, and a way to be rid of it."""

from __future__ import annotations

import json as json_format

import rich_click as click

from msbtui import text


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: msbtui cache clear",
)
@click.argument("what", type=click.Choice(["show", "clear"]), default="show", metavar="[show|clear]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def cache_command(what: str, as_json: bool) -> int:
    """Show or clear what is kept of layers, so that none is read twice: indexes and a few facts, no contents.

    Several processes may share the folder (XDG_CACHE_HOME names where it is); it is safe to clear at any time.
    """
    from msbtui.engine.store import Store
    from msbtui.errors import TargetError
    from msbtui.image.cache import NOWHERE, LayerCache

    cache = LayerCache()
    store = Store(cache.root)
    layers, size = cache.clear() if what == "clear" else cache.usage()
    documents, extra = store.clear() if what == "clear" else store.usage()
    if what == "clear" and not layers + documents and (left := cache.usage().layers + store.usage()[0]):
        raise TargetError(
            f"nothing could be removed; {_count(left, 'file')} {'is' if left == 1 else 'are'} left",
            where=text.printable(str(cache.root)),
            hint="see that you may write there",
        )
    if as_json:
        said = {
            "folder": str(cache.root),
            "layers": layers,
            "layer_bytes": size,
            "documents": documents,
            "document_bytes": extra,
            "limit_bytes": cache.limit,
        }
        click.echo(json_format.dumps({**said, "cleared": what == "clear"}, indent=2))
    else:
        if cache.root == NOWHERE:
            click.echo("keeps nothing: there is no home folder (set HOME or XDG_CACHE_HOME)")
            return 0
        word = "cleared" if what == "clear" else "holds"
        click.echo(f"{text.printable(str(cache.root))}")
        click.echo(
            f"{word} {_count(layers, 'layer')}, {text.size(size)}, and {_count(documents, 'small document')}, {text.size(extra)}"
        )
        if what == "show":
            click.echo(f"limit {text.size(cache.limit)} of layers; those not used for longest go first")
    return 0


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
