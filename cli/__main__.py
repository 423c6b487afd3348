"""`python -m cli` is `sniper`."""

from cli.entry import main

main()
