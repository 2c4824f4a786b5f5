"""The ingest spool as a stream: however it was written and is read, the same records in order."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from dataflows.ingest.spool import PartitionWriter, spool_folder
from dataflows.sources.http import HttpStream

RECORDS = st.lists(st.binary(min_size=1, max_size=30).map(lambda one: one.replace(b"\n", b"n")),
                   min_size=1, max_size=6)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    appends=st.lists(st.tuples(RECORDS, st.booleans()), min_size=1, max_size=8),
    segment_bytes=st.integers(1, 100),
    reads=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 80)), min_size=1, max_size=5),
)
def test_any_cut_of_writing_and_reading_gives_the_same_records(
    appends: list[tuple[list[bytes], bool]], segment_bytes: int, reads: list[tuple[int, int]]
) -> None:
    with TemporaryDirectory() as root:
        folder = spool_folder(Path(root), "feed", 2)
        writer = PartitionWriter(folder, segment_bytes)
        stream = HttpStream(Path(root), "feed", 2, 7)
        found: list[bytes] = []
        cuts = []
        position = 0
        for turn, (records, reopened) in enumerate(appends):
            writer.append(records)
            if reopened:
                writer.close()
                writer = PartitionWriter(folder, segment_bytes)
            rows, limit = reads[turn % len(reads)]
            if (got := stream.next(position, rows=rows, limit=limit)) is not None:
                cuts.append(got)
                position = got.last
        rows, limit = reads[-1]
        while (got := stream.next(position, rows=rows, limit=limit)) is not None:
            cuts.append(got)
            position = got.last
        writer.close()
        for got in cuts:
            again = stream.read(got.first, got.last)
            assert again.data == got.data
            assert again.starts.tolist() == got.starts.tolist()
            found += got.frames(0, 0).slices()
        assert found == [record for records, _ in appends for record in records]
        assert position == stream.end() == sum(len(one) + 1 for one in found)
