"""`penstock targets`: the machines that can be compiled for."""

import click


@click.command("targets")
def targets_command() -> None:
    """List the machines that can be compiled for, and whether this one runs their code."""
    from penstock.cli.tables import show, targets_table

    show(targets_table())
