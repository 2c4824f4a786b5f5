"""Tags of TAP 3.12 and RAP 1.5: the application tags of their public ASN.1."""

from tallywire.mediation.ber.reader import application


def _made(number: int) -> int:
    return application(number, made=True)


TRANSFER_BATCH, NOTIFICATION, EVENT_LIST = _made(1), _made(2), _made(3)
BATCH_CONTROL, ACCOUNTING, NETWORK, AUDIT = _made(4), _made(5), _made(6), _made(15)
MESSAGE_TEXTS, OPERATOR_SPECIFIC = _made(8), _made(162)
MOC, MTC, SUPPLEMENTARY, CENTRE_USAGE = _made(9), _made(10), _made(11), _made(12)
GPRS, CONTENT, LOCATION = _made(14), _made(17), _made(297)
MESSAGING, SESSION = _made(433), _made(434)

SENDER, RECIPIENT, FILE_SEQUENCE, FILE_TYPE = (application(n) for n in (196, 182, 109, 110))
AVAILABLE, CREATED = _made(107), _made(108)
SPECIFICATION, RELEASE, RAP_SEQUENCE = (application(n) for n in (201, 189, 181))
LOCAL_CURRENCY, TAP_CURRENCY, DECIMALS = (application(n) for n in (135, 210, 244))
CONVERSIONS, CONVERSION = _made(80), _made(106)
TAXATIONS, TAXATION, TAX_CODE = _made(211), _made(216), application(212)
DISCOUNTINGS, DISCOUNTING, DISCOUNT_CODE = _made(95), _made(94), application(91)
RATE_CODE, RATE_DECIMALS, RATE = (application(n) for n in (105, 159, 104))
OFFSETS, OFFSET_INFO = _made(234), _made(233)
OFFSET_CODE, OFFSET, LOCAL_TIME = (application(n) for n in (232, 231, 16))
ENTITIES, ENTITY = _made(188), _made(183)
ENTITY_CODE, ENTITY_ID = application(184), application(400)
EARLIEST, LATEST = _made(101), _made(133)
TOTAL_CHARGE, TOTAL_TAX, TOTAL_DISCOUNT, EVENT_COUNT = (application(n) for n in (415, 226, 225, 43))

MO_BASIC, MT_BASIC, GPRS_BASIC = _made(147), _made(153), _made(114)
SUBSCRIBER, SIM, MIN = _made(427), _made(199), _made(254)
IMSI, MSISDN, MIN_NUMBER, MDN = (application(n) for n in (129, 152, 146, 253))
GPRS_SUBSCRIBER, PDP_ADDRESS = _made(115), application(167)
START, DURATION, CAUSE = _made(44), application(223), application(58)
DESTINATION, CALLED, DIALLED, SMS_DESTINATION = (
    _made(89), application(407), application(279), application(419)
)  # fmt: skip
ORIGINATOR, CALLING, SMS_ORIGINATOR = _made(41), application(405), application(425)
PLACE, NETWORK_PLACE, GPRS_PLACE, GPRS_NETWORK_PLACE = (_made(n) for n in (138, 156, 117, 118))
AREA, CELL, CALL_REFERENCE = application(136), application(59), application(45)
ENTITY_CODES = _made(185)
EQUIPMENT, IMEI = _made(429), application(128)
SERVICES_USED, SERVICE_USED = _made(38), _made(39)
BASIC_SERVICE, SERVICE_CODE = _made(36), _made(426)
TELE_SERVICE, BEARER_SERVICE = application(218), application(40)
CHARGE_LIST, CHARGE_INFORMATION = _made(70), _made(69)
CHARGED_ITEM, CHARGE_DETAILS, CHARGE_DETAIL = application(66), _made(64), _made(63)
CHARGE_TYPE, CHARGE, CHARGEABLE_UNITS = (application(n) for n in (71, 62, 65))
TAXES, TAX, TAX_VALUE = _made(214), _made(213), application(397)
DISCOUNT_INFORMATION, DISCOUNT = _made(96), application(412)
CAMEL, CAMEL_FEE = _made(57), application(422)
GPRS_DESTINATION, APN = _made(116), application(261)
CHARGING_ID, PARTIAL_TYPE = application(72), application(166)
GPRS_SERVICE, VOLUME_IN, VOLUME_OUT = _made(121), application(250), application(251)
SUPPLEMENTARY_USED, CHARGING_TIME = _made(206), _made(74)
LOCATION_USAGE = _made(382)
CONTENT_USED, CONTENT_SERVICE = _made(285), _made(352)
CONTENT_BASIC, ORDER_PLACED = _made(304), _made(300)
SESSION_CHARGES, SESSION_CHARGE = _made(448), _made(449)
SERVICE_START, CHARGED_PARTY = _made(447), _made(436)
CENTRE_TIMES, DEPOSITED = _made(193), _made(88)
CENTRE_BASIC, CENTRE_SUBSCRIBER, GSM_SUBSCRIBER = _made(191), _made(430), _made(286)

RETURN_BATCH, ACKNOWLEDGEMENT, RETURN_LIST = _made(534), _made(535), _made(536)
RAP_CONTROL, RAP_AUDIT = _made(537), _made(541)
MISSING_RETURN, FATAL_RETURN, SEVERE_RETURN, STOP_RETURN = (_made(n) for n in (538, 539, 540, 554))
RAP_CREATED, RAP_AVAILABLE = _made(526), _made(525)
RAP_SPECIFICATION, RAP_RELEASE, ROAMING_PARTNER = (application(n) for n in (544, 543, 550))
FIRST_MISSING, LAST_MISSING, LAST_SEQUENCE = (application(n) for n in (532, 518, 555))
ERROR_LIST, ERROR, ERROR_CODE, ITEM_OFFSET = (
    _made(520), _made(521), application(519), application(524)
)  # fmt: skip
BATCH_ERROR, NOTIFICATION_ERROR, CONTROL_ERROR, ACCOUNTING_ERROR = (
    _made(n) for n in (542, 552, 517, 512)
)
NETWORK_ERROR, MESSAGE_ERROR, AUDIT_ERROR = (_made(n) for n in (523, 522, 513))
RETURNED_VALUE, RETURN_COUNT, RETURNED_TAX = (application(n) for n in (533, 528, 553))
