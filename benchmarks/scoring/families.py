"""Which patterns may tell of which family of faults."""

_LESS = frozenset({"feed_silent", "volume_drop", "element_silent", "element_volume_drop"})
"""Usage that did not come, for whatever reason."""

FAMILIES: dict[str, frozenset[str]] = {
    "lost_file": _LESS | {"file_sequence_gap", "file_schedule_gap"},
    "lost_records": frozenset({"record_sequence_gap"}),
    "truncated_file": _LESS | {"trailer_missing", "trailer_mismatch"},
    "trailer_mismatch": frozenset({"trailer_mismatch", "records_lost_at_node"}),
    "replayed_file": frozenset({
        "replayed_file", "resent_file", "duplicate_records", "file_sequence_repeated",
    }),
    "exact_duplicate": frozenset({"duplicate_records"}),
    "near_duplicate": frozenset({"near_copy"}),
    "partial_and_total": frozenset({"part_beside_whole"}),
    "missing_interim": frozenset({
        "session_records_missing", "partial_chain_incomplete", "session_reports_missing",
    }),
    "missing_stop": frozenset({"session_never_ended", "session_open_too_long"}),
    "counter_wrap": frozenset({"counter_wraps_assumed"}),
    "wrong_tariff_version": frozenset({"price_book_wrong_version", "price_book_other_price"}),
    "deleted_prefix": frozenset({"price_book_child_prefix_missing", "price_book_no_price"}),
    "wrong_increment": frozenset({"price_book_wrong_increment"}),
    "wrong_rounding": frozenset({
        "price_book_wrong_rounding", "rounded_in_our_favour", "rounded_against_us",
    }),
    "zero_rated": frozenset({"became_free", "price_book_zero_rated"}),
    "unknown_subscriber": frozenset({"suspense"}),
    "orphan": frozenset({"suspense", "subscription_unknown_here"}),
    "late_feed": _LESS | {"feed_late", "file_schedule_gap", "file_sequence_gap"},
    "skewed_node": frozenset({"clock_skew"}),
    "silent_node": _LESS,
    "negative_margin": frozenset({"negative_margin"}),
    "partner_mismatch": frozenset({
        "partner_only_theirs", "partner_only_ours", "partner_longer", "partner_shorter",
    }),
    "subscription_mismatch": frozenset({
        "subscription_used_not_served", "subscription_billed_not_served",
        "subscription_other_offer",
    }),
    "resale_mismatch": frozenset({"provider_never_rated", "provider_quantity_differs"}),
}  # fmt: skip
"""No pattern: no control looks for it yet, so nothing of it is found."""

CLOSED_BY_ITSELF = frozenset({"file_out_of_order", "file_sequence_restarted"})
"""Patterns that report and ask nothing of anybody; they are no alarms."""
