"""Compile wire.proto into the committed wire_pb2.py and its types: `python -m shared.mexc.compile_wire`."""

from pathlib import Path

from grpc_tools import protoc

_HERE = Path(__file__).parent


def compile_wire(destination: Path = _HERE) -> None:
    """Write wire_pb2.py and wire_pb2.pyi into the folder *destination*; raise RuntimeError when protoc refuses."""
    arguments = ["protoc", f"-I{_HERE}", f"--python_out={destination}", f"--pyi_out={destination}", "wire.proto"]
    if exit_code := protoc.main(arguments):
        raise RuntimeError(f"protoc ended with exit code {exit_code}")
    types = destination / "wire_pb2.pyi"
    # protoc leaves the type parameters out, which mypy's strict mode refuses.
    types.write_text(types.read_text(encoding="utf-8").replace("_Mapping]", "_Mapping[str, object]]"), encoding="utf-8")


if __name__ == "__main__":
    compile_wire()
