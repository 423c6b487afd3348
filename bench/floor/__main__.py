"""One part of the floor as a process: `python -m bench.floor PART OPTIONS` prints `ready` and runs until killed."""

import argparse
from pathlib import Path

import uvloop

from bench.floor.confirm import confirm
from bench.floor.endpoint import endpoint
from bench.floor.path import alone, forward, order, send, straight
from bench.floor.rates import batches, consumed_batches, relay


def main() -> None:
    floors = (confirm, forward, order, alone, straight, send, relay, batches, consumed_batches, endpoint)
    parts = {part.__name__: part for part in floors}
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=parts)
    parser.add_argument("--broker")
    parser.add_argument("--database")
    parser.add_argument("--port", type=int, help="where the venue takes orders")
    parser.add_argument("--trigger", type=int, help="where the word to start comes from")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--body", type=lambda name: Path(name).read_bytes(), help="file with what is answered")
    options = parser.parse_args()
    uvloop.run(parts[options.part](options))


if __name__ == "__main__":
    main()
