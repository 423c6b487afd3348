"""Manual of each command, shown at the end of its `--help`: examples, exit codes and further reading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import typer


@dataclass(frozen=True, slots=True)
class Example:
    """A command line, and its purpose."""

    line: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Manual:
    examples: tuple[Example, ...]
    exits: str = ""
    """Meaning of the exit codes, where they are not the usual ones."""
    page: str = "docs/operating.md"
    """Further reading."""


USUAL: Final = "0 done; 1 something is away or refuses; 2 a wrong argument or setting"


def _of(*examples: tuple[str, str], page: str = "docs/operating.md", exits: str = USUAL) -> Manual:
    return Manual(tuple(Example(line, meaning) for line, meaning in examples), exits, page)


MANUAL: Final[Mapping[str, Manual]] = MappingProxyType(
    {
        "up": _of(
            ("sniper up", "everything in one process on the simulator, with a dashboard"),
            ("sniper up --exchange mexc", "the same on MEXC: dry-run until live trading is switched on"),
            page="docs/setup.md",
        ),
        "demo": _of(
            ("sniper demo --listings 3", "three coins from listing to trade, and a table of latencies"),
            ("sniper demo --listings 3 --json", "the same for a program"),
            exits="0 every listing was traded; 1 not all were; 2 a wrong argument or setting",
            page="docs/quickstart.md",
        ),
        "run": _of(("sniper run executor", "one service, as a container runs it"), page="docs/deployment.md"),
        "simulator": _of(
            ("sniper simulator --port 18080", "the exchange alone, on http://127.0.0.1:18080"),
            page="docs/simulator.md",
        ),
        "migrate": _of(
            ("sniper migrate", "before services of a new version start"),
            ("sniper migrate --roles", "where each service signs in as a role of its own, too"),
            ("sniper migrate --exchange api.example.com", "where the exchange has another address, and is the same"),
            page="docs/setup.md",
        ),
        "inject": _of(
            ("sniper inject TESTUSDT", "a test listing, handled like any other"),
            ("sniper inject TESTUSDC --quote USDC", "one that is priced in another coin"),
        ),
        "status": _of(
            ("sniper status", "everything on one screen"),
            ("sniper status --json", "the same for a program"),
        ),
        "history": _of(
            ("sniper history", "the last twenty decisions of people, and halts of the executor"),
            ("sniper history --limit 200 --json", "more of them, for a program"),
        ),
        "doctor": _of(
            ("sniper doctor", "before the first start, and when something is not as it should be"),
            ("sniper doctor --service executor", "the needs of one service, under its own users"),
            ("sniper doctor --json", "the same for a program"),
            exits="0 all is well; 1 something is wrong; 2 a setting is",
        ),
        "halt": _of(
            ("sniper halt", "stop purchases, at once"),
            ("sniper halt odd prices since noon", "with the reason, which is recorded"),
            ("sniper halt --all", "sell nothing either"),
        ),
        "halt-and-close": _of(("sniper halt-and-close leaving for the week", "stop purchases, and sell all there is")),
        "resume": _of(("sniper resume", "after the cause of the halt is gone")),
        "acknowledge": _of(
            ("sniper acknowledge", "after a look at ingest in `sniper status`"), page="docs/listings.md"
        ),
        "close": _of(
            ("sniper close ABCUSDT", "sell it, if one position of it is held"),
            ("sniper close ABCUSDT:1 --mode dry-run", "the one of that listing on paper"),
        ),
        "watch": _of(
            ("sniper watch", "until Ctrl-C"),
            ("sniper watch --since 60 --limit 20", "begin with the last hour, and end after twenty lines"),
        ),
        "sign-in": _of(
            ("sniper sign-in", "a link for your browser, good once and for ten minutes"), page="docs/dashboard.md"
        ),
        "completion": _of(
            ('eval "$(sniper completion bash)"', "for this shell; a line of ~/.bashrc makes it last"),
            ("sniper completion zsh", "for a file named _sniper in a directory of $fpath"),
            ("sniper completion fish", "for ~/.config/fish/completions/sniper.fish"),
        ),
        "replay": _of(
            ("sniper replay --from archive --since 2026-03-01T00:00:00Z", "events since then, under today's settings"),
            ("sniper replay --from seen.jsonl.gz --set max_trade_usdt=50", "saved events, under another limit"),
            ("sniper replay --from archive --save seen.jsonl.gz --json", "keep the events, print for a program"),
            page="docs/archive.md",
        ),
        "archive": _of(
            ("sniper archive --older-than 90d --to archive", "one file a day and table; nothing is deleted"),
            ("sniper archive --older-than 12w --to archive --json", "the same, for a program"),
            ("sniper archive --older-than 90d --to columns --format parquet", "for DuckDB, pandas and the like"),
            page="docs/archive.md",
        ),
        "archive verify": _of(
            ("sniper archive verify --from archive", "read every file against its checksum"), page="docs/archive.md"
        ),
        "archive delete": _of(
            ("sniper archive delete --from archive --confirm delete", "make room, once copies are elsewhere"),
            exits="0 done; 1 a file is damaged, or rows have changed since and stay; 2 a wrong argument or setting",
            page="docs/archive.md",
        ),
        "archive restore": _of(
            ("sniper archive restore --from archive", "bring back every row that the database lacks"),
            exits="0 done; 1 a file is damaged, or rows are there with other values; 2 a wrong argument or setting",
            page="docs/archive.md",
        ),
        "config get": _of(
            ("sniper config get", "limits, exits and halts"), ("sniper config get --json", "for a program")
        ),
        "config set": _of(
            ("sniper config set max_trade_usdt 50", "spend at most 50 USDT on a listing"),
            ("sniper config set stop_loss_pct none", "no such exit"),
            ("sniper config set auto_trade true --until 2h --confirm live", "live orders for two hours"),
        ),
        "config history": _of(
            ("sniper config history --limit 5", "the latest changes with their authors, newest first")
        ),
        "monitor pause": _of(("sniper monitor pause the exchange is under maintenance", "look for no listings")),
        "monitor resume": _of(("sniper monitor resume", "look again; listings of meanwhile are reported late")),
        "orders settle": _of(
            ("sniper orders settle CLIENT_ID --absent --reason 'not in the order history'", "it never took place"),
            (
                "sniper orders settle CLIENT_ID --filled 12.5 --cost 99.95 --fee 0.05:USDT --reason 'by its history'",
                "as shown on the exchange's pages",
            ),
            page="docs/orders.md",
        ),
        "notify test": _of(("sniper notify test", "try every address"), page="docs/notifications.md"),
        "positions": _of(
            ("sniper positions", "held positions"),
            ("sniper positions --all --json", "closed ones too, for a program"),
        ),
        "positions exits": _of(
            ("sniper positions exits ABCUSDT stop_loss_pct=10 take_profit_pct=none", "exits of its own"),
            ("sniper positions exits ABCUSDT stop_loss_pct=config", "follow the configuration again"),
        ),
        "positions write-off": _of(
            ("sniper positions write-off ABCUSDT --mode live 'the coin is gone'", "its cost is free again")
        ),
        "token create": _of(
            ("sniper token create grafana --expires 90d", "one that may look"),
            ("sniper token create desk --scope operate", "one that may change things"),
            page="docs/security.md",
        ),
        "token list": _of(
            ("sniper token list", "those that are valid"),
            ("sniper token list --all", "revoked ones, too"),
            page="docs/security.md",
        ),
        "token revoke": _of(("sniper token revoke grafana", "within seconds, everywhere"), page="docs/security.md"),
    }
)


def attach(app: typer.Typer, within: str = "") -> None:
    """Show each command's manual at the end of its help."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        command.epilog = _shown(f"{within} {name}".strip())
    for group in app.registered_groups:
        name = f"{within} {group.name}".strip()
        if name in MANUAL:
            group.epilog = _shown(name)
        if group.typer_instance is not None:
            attach(group.typer_instance, name)


def _shown(name: str) -> str | None:
    manual = MANUAL.get(name)
    return None if manual is None else "\n\n".join(_lines(manual))


def _lines(manual: Manual) -> Iterator[str]:
    yield "Examples:"
    for example in manual.examples:
        yield f"  {example.line}    {example.meaning}"
    yield f"Exit code: {manual.exits}."
    yield f"More: {manual.page}"
