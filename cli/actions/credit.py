"""A credit as an action: an entry that is kept, published to whoever bills, and counted."""

from typing import Any

from assurance.actions.asked import ActionRefusedError, CreditAsked
from assurance.actions.fold import Action
from assurance.cases.fold import Case
from assurance.cases.ledger import Account, Step, check_booking
from assurance.cases.states import State
from cli.actions.doing import Booking, Doing, Result
from cli.printed import money
from dataflows.catalogs import CatalogStore
from dataflows.desk import Desk, desk
from dataflows.settings import Home, Settings
from dataflows.wall_clock import now_us
from schemas.actions import AccountCredit
from warehouse.actions import credits_of, next_number

_OVER = "over"
"""A credit gives back what was charged too much."""


def account_known(settings: Settings, account: str) -> None:
    """Make sure that the catalogue in use has an account.

    Raises:
        ActionRefusedError: If it has not.
    """
    archive = CatalogStore(Home(settings.home).catalogs)
    known = archive.load(archive.current()).identifiers
    if account not in set(known["account_id"]):
        msg = f"the catalogue in use has no account {account}"
        raise ActionRefusedError(msg)


class Crediting(Doing[CreditAsked]):
    """Books a credit."""

    def figures(self, settings: Settings, asked: CreditAsked) -> dict[str, Any]:
        """Say what is credited."""
        account_known(settings, asked.account)
        return {"account": asked.account, "amount": f"{asked.amount:f}", "currency": asked.currency}

    def check(self, here: Desk, case: Case, asked: CreditAsked) -> None:  # noqa: ARG002  the case alone decides
        """Let no more be credited than is confirmed to be charged too much, and left."""
        if case.state is not State.CONFIRMED:
            msg = f"case {case.case_id} is {case.state}: a credit is of a confirmed case"
            raise ActionRefusedError(msg)
        account = Account(asked.currency, _OVER)
        check_booking(case.ledger, account, Step.CREDITED, asked.amount, "credit:it")

    def carry_out(self, settings: Settings, who: str, action: Action) -> Result:
        """Store the entry, once, at the desk."""
        asked = CreditAsked.model_validate(action.asked)
        with desk(settings, who) as here:
            if not credits_of(here.client, action.action_id):
                entry = AccountCredit(
                    credit_id=action.action_id, tenant_id=action.tenant_id,
                    number=next_number(here.client, "account_credits"), at=now_us(),
                    account_id=asked.account, amount=asked.amount, currency=asked.currency,
                    reason=asked.reason, case_id=action.case_id, proposed_by=action.proposed_by,
                    approved_by=action.approved_by,
                )  # fmt: skip
                here.keep("account_credits", [entry], entry.at, f"credit-{action.action_id}")
            (kept,) = credits_of(here.client, action.action_id)
        booking = Booking(Account(kept.currency, _OVER), Step.CREDITED, kept.amount)
        content = {
            "credit_id": kept.credit_id, "number": kept.number, "account": kept.account_id,
            "amount": f"{kept.amount:f}", "currency": kept.currency,
        }  # fmt: skip
        told = f"credit {kept.number}: {money(kept.amount)} {kept.currency} to {kept.account_id}"
        return Result(content, told, f"credit:{kept.credit_id}", [booking])

    def words(self, asked: CreditAsked) -> str:
        """Say how much to whom."""
        return f"credit {money(asked.amount)} {asked.currency} to {asked.account}: {asked.reason}"
