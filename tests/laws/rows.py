"""What holds of the rows that a format makes of records, whatever their bytes are."""

from tallywire.mediation.decoded import DECODED, Decoded, Frames


def check_rows(frames: Frames, decoded: Decoded) -> None:
    """Every record has its rows, in its place, each usable or refused in words."""
    assert decoded.frame.schema == DECODED
    first = decoded.frame.filter(decoded.frame["item_no"] == 0)
    assert first.height == len(frames), f"{first.height} records of {len(frames)} have rows"
    assert first["byte_offset"].to_list() == (frames.starts + frames.base_offset).tolist()
    assert first["byte_length"].to_list() == frames.lengths.tolist()
    assert decoded.frame["record_no"].is_sorted()
    assert not decoded.frame.select("record_no", "item_no").is_duplicated().any()
    bad = decoded.frame.filter(decoded.frame["reason"].is_not_null())
    assert (bad["detail"] != "").all(), "a refusal without words"
