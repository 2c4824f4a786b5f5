"""Messages of credit control and accounting, encoded by python-diameter."""

import datetime
from typing import Any

from diameter.message import Avp, constants
from diameter.message.avp.grouped import (
    MultipleServicesCreditControl,
    PsInformation,
    ServiceInformation,
    SubscriptionId,
    UsedServiceUnit,
)
from diameter.message.commands.accounting import AccountingRequest
from diameter.message.commands.credit_control import CreditControlAnswer, CreditControlRequest

MOMENT = datetime.datetime(2026, 10, 24, 10, 0, tzinfo=datetime.UTC)
SESSION = "pgw.north;1;7"


def used(**counts: Any) -> UsedServiceUnit:
    """Units that were used."""
    return UsedServiceUnit(**counts)


def service(group: int, *units: UsedServiceUnit, **more: Any) -> MultipleServicesCreditControl:
    """What a request says of a rating group."""
    return MultipleServicesCreditControl(rating_group=group, used_service_unit=list(units), **more)


def ccr(
    number: int, kind: int, *services: MultipleServicesCreditControl, **more: Any
) -> CreditControlRequest:
    """A credit control request of one session, ten minutes a number."""
    message = CreditControlRequest()
    message.header.hop_by_hop_identifier = 100 + number
    message.header.end_to_end_identifier = 200 + number
    message.session_id = SESSION
    message.origin_host = b"pgw.north"
    message.origin_realm = b"example.net"
    message.destination_realm = b"example.net"
    message.auth_application_id = 4
    message.service_context_id = "32251@3gpp.org"
    message.cc_request_type = kind
    message.cc_request_number = number
    message.event_timestamp = MOMENT + datetime.timedelta(minutes=10 * number)
    message.subscription_id = [
        SubscriptionId(subscription_id_type=0, subscription_id_data="4790010002"),
        SubscriptionId(subscription_id_type=1, subscription_id_data="242011234567890"),
    ]
    message.multiple_services_credit_control = list(services)
    message.service_information = ServiceInformation(
        ps_information=PsInformation(
            called_station_id="internet", tgpp_charging_id=b"\x00\x00\x03\xe8",
            tgpp_sgsn_mcc_mnc="24201", tgpp_rat_type=b"\x06",
        )
    )  # fmt: skip
    for name, value in more.items():
        setattr(message, name, value)
    return message


def cca(number: int) -> CreditControlAnswer:
    """The answer to a request."""
    answer = ccr(number, 2).to_answer()
    answer.session_id = SESSION
    answer.origin_host = b"ocs.north"
    answer.origin_realm = b"example.net"
    answer.auth_application_id = 4
    answer.cc_request_type = 2
    answer.cc_request_number = number
    answer.result_code = constants.E_RESULT_CODE_DIAMETER_SUCCESS
    return answer


def acr(number: int, kind: int, *avps: Avp) -> AccountingRequest:
    """An accounting request."""
    message = AccountingRequest()
    message.header.hop_by_hop_identifier = 300 + number
    message.header.end_to_end_identifier = 400 + number
    message.session_id = "bng.north;2;9"
    message.origin_host = b"bng.north"
    message.origin_realm = b"example.net"
    message.destination_realm = b"example.net"
    message.accounting_record_type = kind
    message.accounting_record_number = number
    message.acct_application_id = 3
    message.event_timestamp = MOMENT + datetime.timedelta(minutes=number)
    message.user_name = "ola@example.net"
    for avp in avps:
        message.append_avp(avp)
    return message


def with_service_information(
    message: AccountingRequest, information: ServiceInformation
) -> AccountingRequest:
    """The request with information on its service, which its class has no attribute for."""
    carrier = ccr(0, 1, service_information=information)
    for avp in carrier.find_avps((constants.AVP_TGPP_SERVICE_INFORMATION, constants.VENDOR_TGPP)):
        message.append_avp(avp)
    return message


def again(message: CreditControlRequest) -> bytes:
    """The message sent once more: other identifiers, and marked as perhaps a copy."""
    message.header.is_retransmit = True
    message.header.hop_by_hop_identifier += 1_000
    return message.as_bytes()


def session() -> bytes:
    """A file: a session of three requests, their answers, a copy, and counters of another."""
    first = ccr(0, 1)
    second = ccr(
        1, 2,
        service(10, used(cc_total_octets=3_000, cc_input_octets=1_000, cc_output_octets=2_000)),
        service(20, used(cc_time=60, cc_total_octets=5_000)),
    )  # fmt: skip
    third = ccr(
        2, 3,
        service(10, used(tariff_change_usage=0, cc_total_octets=700),
                used(tariff_change_usage=1, cc_total_octets=300)),
    )  # fmt: skip
    counters = [
        acr(
            number, kind,
            Avp.new(constants.AVP_ACCOUNTING_INPUT_OCTETS, value=100 * number),
            Avp.new(constants.AVP_ACCOUNTING_OUTPUT_OCTETS, value=1_000 * number),
            Avp.new(constants.AVP_ACCT_SESSION_TIME, value=60 * number),
        ).as_bytes()
        for number, kind in ((0, 2), (1, 3), (2, 4))
    ]  # fmt: skip
    requests = [first.as_bytes(), second.as_bytes(), cca(1).as_bytes(), again(second)]
    return b"".join([*requests, third.as_bytes(), *counters])
