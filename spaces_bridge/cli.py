"""The command line: small steps around reading the config, everything heavy imported late."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from spaces_bridge import __version__
from spaces_bridge.startup import ExitCode, StartUpError

if TYPE_CHECKING:
    from spaces_bridge.config import Config

DESCRIPTION = "Live audio rooms for Matrix."
DEFAULT_CONFIG = Path("config.yaml")
DEFAULT_REGISTRATION = Path("registration.yaml")


class _Parser(argparse.ArgumentParser):
    """The argument parser, which ends with the field's exit code for wrong flags."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["demo"]:
            return _demo(arguments[1:])
        if arguments[:1] == ["media-node"]:
            return _media_node(arguments[1:])
        return _obey(_parser().parse_args(arguments))
    except StartUpError as refusal:
        print(refusal.text, file=sys.stderr)
        return refusal.code


def _demo(arguments: Sequence[str]) -> int:
    """Play the demo, a package of its own. Raises StartUpError where it is not installed."""
    if find_spec("spaces_bridge_demo") is None:
        raise StartUpError(
            ExitCode.USAGE,
            "The demo is not installed. Run `make demo` in a clone of the project, or install "
            "the extra `spaces-bridge[demo]`.",
        )
    from spaces_bridge_demo.main import main as play

    return play(arguments)


def _media_node(arguments: Sequence[str]) -> int:
    """Carry sound for a bridge on another machine. Raises StartUpError."""
    from spaces_bridge import logs
    from spaces_bridge.media.nodes.options import parse
    from spaces_bridge.media.nodes.process import run

    options = parse(arguments, os.environ)
    logs.configure(options.log_level, json_lines=options.json_logs, secrets=(options.secret,))
    _allow_many_sockets()
    return asyncio.run(run(options))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="spaces-bridge",
        description=DESCRIPTION,
        epilog="`spaces-bridge demo` shows it all on this machine, `spaces-bridge media-node` "
        "carries sound for a bridge elsewhere (each has a -h).",
    )
    add = parser.add_argument
    add(
        "-c", "--config", type=Path, default=DEFAULT_CONFIG, metavar="PATH", help="the config file"
    )
    add("-r", "--registration", type=Path, metavar="PATH", help="the registration file")
    add(
        "-g",
        "--generate-registration",
        action="store_true",
        help="write the registration and quit",
    )
    add(
        "-e",
        "--generate-example-config",
        action="store_true",
        help="write an example config to PATH of -c (- for standard output) and quit",
    )
    add("-n", "--no-update", action="store_true", help="never write the config")
    add(
        "--check",
        action="store_true",
        help="check config, registration and homeserver, say what is wrong, and quit",
    )
    add("-v", "--version", action="store_true", help="print the version and quit")
    add("--version-json", action="store_true", help="print the version as JSON and quit")
    return parser


def _obey(options: argparse.Namespace) -> int:
    if options.version:
        print(f"spaces-bridge {__version__}")
    elif options.version_json:
        _print_version_json()
    elif options.generate_example_config:
        _write_example(options.config)
    elif options.generate_registration:
        _write_registration(options)
    elif options.check:
        from spaces_bridge.check import check

        return asyncio.run(check(options.config, _registration_to_read(options)))
    else:
        return _run(options)
    return ExitCode.OK


def _print_version_json() -> None:
    import json
    import platform
    from importlib.metadata import version

    print(
        json.dumps(
            {
                "name": "spaces-bridge",
                "version": __version__,
                "python": platform.python_version(),
                "os": platform.system().lower(),
                "arch": platform.machine(),
                "mautrix": version("mautrix"),
            }
        )
    )


def _write_example(path: Path) -> None:
    from spaces_bridge.config.example import example_text, write_private

    if str(path) == "-":
        print(example_text(), end="")
        return
    if path.exists():
        raise StartUpError(
            ExitCode.USAGE, f"{path} exists already. Remove it, or name another file with -c."
        )
    try:
        write_private(path, example_text())
    except OSError as error:
        raise StartUpError(
            ExitCode.CONFIG_UNWRITABLE, f"The example config cannot be written: {error}."
        ) from None
    print(
        f"Wrote {path}. Set homeserver.address, homeserver.domain, web.public_url and "
        "media.addresses in it, then run `spaces-bridge -g`."
    )


def _write_registration(options: argparse.Namespace) -> None:
    if options.no_update:
        raise StartUpError(
            ExitCode.NO_UPDATE_WITH_GENERATE,
            "-g writes the secrets into the config, which -n forbids. Leave one of them out.",
        )
    from spaces_bridge.generate import generate_registration

    path = options.registration or DEFAULT_REGISTRATION
    generate_registration(options.config, path)
    print(
        f"Wrote {path}. Give it to the homeserver (Synapse: app_service_config_files), restart "
        f"the homeserver, then run `spaces-bridge -c {options.config}`."
    )


def _registration_to_read(options: argparse.Namespace) -> Path | None:
    """Return the registration to compare: that of -r, else the default one if it is there."""
    if options.registration is not None:
        return Path(options.registration).absolute()
    return DEFAULT_REGISTRATION.absolute() if DEFAULT_REGISTRATION.exists() else None


def _run(options: argparse.Namespace) -> int:
    config = _config_to_run(options)
    from spaces_bridge import logs

    logs.configure(
        config.logging.level, json_lines=config.logging.json_lines, secrets=config.secrets
    )
    from spaces_bridge.bootstrap import run

    _refuse_slow_parser()
    _allow_many_sockets()
    try:
        return asyncio.run(run(config))
    except StartUpError:
        raise
    except Exception:  # the last place where a bug can still be logged without secrets
        logging.getLogger(__name__).critical("stopped by a bug", exc_info=True)
        return ExitCode.CRASH


def _refuse_slow_parser() -> None:
    """Refuse to start with aiohttp's parser in Python. Raises StartUpError.

    That parser reads some requests otherwise than proxies do, so that one could be hidden inside
    another, and it costs many times as much.
    """
    from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

    if HttpRequestParser is HttpRequestParserPy:
        raise StartUpError(
            ExitCode.LISTENER,
            "aiohttp runs without its C parser, which must not face the internet. Install aiohttp "
            "from a wheel, and take AIOHTTP_NO_EXTENSIONS out of the environment.",
        )


def _allow_many_sockets() -> None:
    """Raise the limit of open files to all the system grants.

    Every page and every listener over TCP is an open file.
    """
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _config_to_run(options: argparse.Namespace) -> "Config":
    from spaces_bridge.config import load
    from spaces_bridge.generate import add_missing_keys
    from spaces_bridge.registration import refuse_mismatch

    config = load(options.config, os.environ)
    registration = _registration_to_read(options)
    if registration is not None:
        refuse_mismatch(registration, config)
    if not options.no_update:
        add_missing_keys(options.config)
    return config
