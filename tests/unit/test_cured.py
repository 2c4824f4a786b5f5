"""Which suspense another catalogue may have cured: an account, a row, an alias, a feed's words."""

from collections.abc import Mapping
from typing import Any

import pytest

from cli.recycle.cured import Cure
from tallywire.catalog import Snapshot
from tests.reference_feed import COLLECTED, catalogue

RULES = """
enrich:
  - {from: aliases, kind: sip_user, to_kind: msisdn, by: user_name, set: {a_number: to_value}}
"""
HEAD = "kind,value,to_kind,to_value,valid_from,valid_to\n"
BERIT, ANNA = "sip_user,berit,msisdn,4790010002,,\n", "sip_user,anna,msisdn,4790010001,,\n"
TRUNKS = "trunk,partner,home_country,trunk_prefix,international_prefixes,valid_from,valid_to\nSE-1,nordvik,46,0,,,\n"


def _catalogue(aliases: str = BERIT, rules: str = RULES, **more: str) -> Snapshot:
    return catalogue(rules, {"aliases": HEAD + aliases, **more})


def _held(
    reason: str = "account_unknown", missing: str = "msisdn:anna", stage: str = "normalise"
) -> dict[str, Any]:
    return {
        "suspense_id": "s1", "reason": reason, "stage": stage, "feed_id": "hub",
        "missing_ref": missing, "event_time": COLLECTED, "tried_under": "before",
    }  # fmt: skip


BEFORE = _catalogue()


@pytest.mark.parametrize(
    ("now", "held", "tried"),
    [
        (_catalogue(BERIT), _held(), False),
        (_catalogue(BERIT + ANNA), _held(), True),  # an alias may lead to an account
        (_catalogue(codes="code,account\nold-7,NL-OSLO\n"), _held(), False),
        (_catalogue(trunks=TRUNKS), _held(), True),  # trunks say how numbers were dialled
        (_catalogue(rules=f"{RULES}home_country: '46'\n"), _held(), True),
        (_catalogue(BERIT), _held(missing="msisdn:4790010001"), True),  # an account has it
        (_catalogue(BERIT), _held("reference_missing", "trunks:SE-2"), True),
        (_catalogue(BERIT + ANNA), _held("field_missing", "", "decode"), False),
        (_catalogue(rules=f"{RULES}home_country: '46'\n"), _held("field_missing", "", "decode"), True),
    ],
)  # fmt: skip
def test_a_record_is_tried_where_the_catalogue_knows_more(
    now: Snapshot, held: Mapping[str, Any], tried: bool
) -> None:
    found = Cure(now, {"before": BEFORE}.__getitem__).among([held])
    assert found == (["s1"] if tried else [])
