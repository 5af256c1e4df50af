"""`penstock opt`: passes over a module in MLIR syntax."""

import click


@click.command("opt", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def opt_command(arguments: tuple[str, ...]) -> None:
    """Run passes over a module in MLIR syntax (`penstock opt --help` lists them).

    \b
    penstock opt module.mlir -p canonicalize,cse
    penstock opt module.mlir --load my_pass.py -p my-pass
    """
    from penstock.opt import run as run_opt

    run_opt(arguments)
