"""Commands whose help is drawn by rich, which is loaded for the help alone: it would double the start of every other call."""

from __future__ import annotations

import click


class HelpedCommand(click.Command):
    """A command with the help that `rich_click.RichCommand` draws."""

    def get_help(self, ctx: click.Context) -> str:
        """Draw the help."""
        from rich_click import RichCommand, RichContext

        drawn = RichCommand(
            name=self.name,
            context_settings=self.context_settings,
            callback=self.callback,
            params=self.params,
            help=self.help,
            epilog=self.epilog,
            add_help_option=self.add_help_option,
        )
        context = RichContext(drawn, info_name=ctx.info_name, parent=ctx.parent, help_option_names=ctx.help_option_names)
        return drawn.get_help(context)
