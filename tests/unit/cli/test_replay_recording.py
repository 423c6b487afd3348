"""Files of events as `sniper replay` keeps and reads them."""

from pathlib import Path

from cli.replay.recording import Span, read, recording_of, save
from shared.wire import cloudevents
from tests.support.data.builders import a_raw_listing


def test_files_put_together_are_read_as_one_and_what_both_hold_counts_once(tmp_path: Path) -> None:
    events = [cloudevents.encode(a_raw_listing(id=str(number))) for number in range(3)]
    save(tmp_path / "seen-1.jsonl.gz", events[:2])
    save(tmp_path / "seen-2.jsonl.gz", events[1:])
    month = tmp_path / "month.jsonl.gz"
    month.write_bytes(b"".join(each.read_bytes() for each in sorted(tmp_path.glob("seen-*.jsonl.gz"))))

    assert [each.id for each in recording_of(read(month), Span()).raws] == ["0", "1", "2"]
