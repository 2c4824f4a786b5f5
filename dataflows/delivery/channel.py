"""One message to one channel that people read, by Apprise."""

import logging
from importlib import import_module
from typing import Any

from assurance.delivery.folding import Message
from dataflows.delivery.targets import Channel, DeliveryMisuse
from dataflows.delivery.webhook import Answer


class ChannelSender:
    """Sends to one channel.

    Raises:
        DeliveryMisuse: If Apprise is not installed, or does not know the kind of address.
    """

    def __init__(self, channel: Channel) -> None:
        try:
            apprise: Any = import_module("apprise")
        except ModuleNotFoundError as error:
            msg = "channels need `pip install tallywire[alerts]` (apprise is missing)"
            raise DeliveryMisuse(msg) from error
        # it would write addresses, which hold passwords, into the log
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._apprise: Any = apprise.Apprise()
        if not self._apprise.add(channel.url):
            msg = (
                f"channels: Apprise does not know the address of {channel.name}: see its list of "
                "services for how one is written"
            )
            raise DeliveryMisuse(msg)

    def send(self, message: Message) -> Answer:
        """Send a message, once."""
        taken = bool(self._apprise.notify(body=message.body, title=message.title))
        return Answer(taken, "" if taken else "the service did not take the message")
