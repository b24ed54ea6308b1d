"""Entry point: finds the command, runs it, turns errors into one line and exit code 2."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import Any, NoReturn

from seawall import __version__
from seawall.cli.starting import import_argparse, import_msgspec

import_argparse()

import argparse  # noqa: E402 - see above

#: Commands with the line that help shows for each; the module of that name defines it.
COMMANDS = {
    "scan": "find what is wrong in manifests, in a live cluster or in a snapshot",
    "fix": "mend what a scan finds, in the files themselves, and show that it is gone",
    "image": "take an inventory of container images: packages, programs, configuration",
    "malware": "search folders, root file systems and images for malware and tampering",
    "registry": "find what is dangerous about an image registry",
    "diff": "tell what is new and what is fixed between two states",
    "snapshot": "save what a scan reads of a cluster, without its secrets, in a file",
    "access": "who can do what, and why",
    "rbac-manifest": "print the rights that a scan of a cluster needs, to apply",
    "cloud": "judge managed clusters by what EKS, GKE and AKS say of them",
    "kubeconfig": "audit the credentials by which people reach clusters",
    "probe": "look at your own cluster from outside, without a login",
    "rules": "list the rules, or explain one",
    "waive": "write waivers, tell what became of them, take over those of other tools",
    "policy": "list policies of your own, and run them against their examples",
    "config": "check seawall.yaml, with the line of each mistake",
    "isolation": "show what falls with each node, and plan pools that part what should not meet",
    "network": "show what can reach what, and why",
    "paths": "show how an attacker gets from outside to what matters, and the one thing to mend first",
    "db": "keep the database of advisories: update, build, status",
    "comply": "answer every control of a framework, with evidence",
    "secrets": "find secrets in files, histories and logs, and move those of manifests into a store",
    "node": "collect the facts of a node, judge them by benchmarks, plan what to change",
}

EXIT_USAGE = 2
_LONGEST = 4000
#: Options whose value can be nothing on purpose: what follows them is text.
_MAY_BE_EMPTY = frozenset(("--text", "--reason", "--owner"))


class CommandError(Exception):
    """Something a person can mend; the message says what, where and what to do."""


class _Formatter(argparse.HelpFormatter):
    """As wide as the terminal. argparse would make one for each argument, with shutil for the width: 2 ms a start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ is not None else 80
    except (OSError, ValueError):
        return 80


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # Subcommands get parsers of this class too: what is abbreviated today can mean something else tomorrow.
        super().__init__(**{"formatter_class": _Formatter, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message}; see `{self.prog} --help`")


#: What need not be freed before the end, where the end is near.
_kept: list[object] | None = None


def say(message: str) -> None:
    """Tell something on standard error: one line, without what would steer a terminal, whatever is in it."""
    from seawall.reports.excerpt import printable

    line = printable(message.replace("\n", "\\n"))
    if len(line) > _LONGEST:
        # A name or value of the input is in it; what to do stands at the end.
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    sys.stderr.write(f"seawall: {line}\n")


def drop_output() -> None:
    """Let what waits to be written to standard output go nowhere, also at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def gather() -> None:
    """Collect no garbage until :func:`keep` is called, where this is a program of its own."""
    if _kept is not None:
        gc.disable()


def keep(value: object) -> None:
    """Hold on to what a program that is about to end would free for nothing, and look for no garbage in it."""
    if _kept is not None:
        _kept.append(value)
        gc.freeze()
        gc.enable()


def entry() -> NoReturn:
    """Run as a program. Leaves without freeing every object of a large scan one by one, a tenth of its time."""
    global _kept
    _kept = []
    # Imports alone make tens of thousands of objects that stay: looking through them is a tenth of a start.
    gc.set_threshold(50_000, 20, 20)
    sys.excepthook = _broken
    _open_streams()
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = EXIT_USAGE
    except OSError as error:
        say(f"standard output cannot be written: {error.strerror}")
        code = EXIT_USAGE
    if "seawall.sources.scratch" in sys.modules:
        import_module("seawall.sources.scratch").clean()
    os._exit(code)


def _open_streams() -> None:
    """Have something in the place of each stream that was closed: files opened later must not come to lie there.

    Standard input is then empty, and what is written to standard output an error.
    """
    if sys.stdin is None:
        sys.stdin = open(os.open(os.devnull, os.O_RDONLY))  # noqa: SIM115 - for the whole run
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: SIM115 - for the whole run
    if sys.stderr is None:
        sys.stderr = open(os.open(os.devnull, os.O_WRONLY), "w")  # noqa: SIM115 - for the whole run


def _broken(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell a mistake of Seawall itself in a line. Exit code 1 would mean findings: what was not judged is 2."""
    if os.environ.get("SEAWALL_TRACEBACK"):
        sys.__excepthook__(kind, error, trace)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else "unknown"
    if kind is MemoryError:
        say(f"out of memory (at {where}); give it more, or less to read at a time")
    else:
        told = f"{kind.__name__}: {error}"[:500]
        say(f"a mistake of Seawall itself: {told} (at {where}); please report it (SEAWALL_TRACEBACK=1 tells more)")
    os._exit(EXIT_USAGE)


def _overview() -> str:
    lines = [f"  {name:<13} {text}" for name, text in COMMANDS.items()]
    return (
        "usage: seawall COMMAND ...\n\nSeawall finds what is dangerous in a Kubernetes estate, says why, where exactly,"
        "\nand how to mend it.\n\ncommands:\n" + "\n".join(lines) + "\n\n"
        "`seawall COMMAND --help` tells more of each. Exit codes: 0 nothing found at or above --fail-on, 1 findings,"
        "\n2 something could not be judged or the command line is wrong.\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except CommandError as error:
        say(str(error))
        return EXIT_USAGE
    except BrokenPipeError:
        # The reader went away (`seawall ... | head`): say nothing more.
        drop_output()
        return EXIT_USAGE
    except OSError as error:
        drop_output()
        say(f"{error.filename or 'standard output, or a file on the way,'} cannot be used: {error.strerror or error}")
        return EXIT_USAGE
    except SystemExit as end:
        # argparse ends so once it has printed its help.
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        say("interrupted")
        return 130


def _dispatch(arguments: list[str]) -> int:
    if len(arguments) > 1 and arguments[0] == "help":
        arguments = [*arguments[1:], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0 if arguments else EXIT_USAGE
    if arguments[0] in ("-V", "--version", "version"):
        sys.stdout.write(f"seawall {__version__}\n")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        raise CommandError(f"there is no command {name!r}; `seawall --help` lists them")
    import_msgspec()
    command = import_module(f"seawall.cli.{name.replace('-', '_')}")
    parser = _Parser(prog=f"seawall {name}", description=command.__doc__)
    command.add_arguments(parser)
    code: int = command.run(_parse(parser, arguments[1:]))
    return code


def _parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse a command's arguments; paths may stand before and after options, which argparse alone does not take.

    Raises:
        CommandError: they make no sense, or one is empty: of a path or file, nothing would be read for it.
    """
    for before, each in zip(["", *arguments], arguments, strict=False):
        if not each and before not in _MAY_BE_EMPTY:
            parser.error(f"an argument is empty{f' after {before}' * bool(before)}: is a variable not set?")
        if each[:2] == "--" and each.find("=") == len(each) - 1 and each[:-1] not in _MAY_BE_EMPTY:
            parser.error(f"{each} is given nothing: is a variable not set?")
    args, extra = parser.parse_known_args(arguments)
    wrong = [each for each in extra if not hasattr(args, "paths") or (each.startswith("-") and each != "-")]
    if wrong:
        parser.error(f"unrecognized arguments: {' '.join(wrong)}")
    if extra:
        args.paths = [*args.paths, *extra]
    return args
