"""`python -m cli` is `sniper`."""

from cli.main import main

main()
