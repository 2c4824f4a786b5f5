"""Usage events as people keep them: JSON lines."""

from collections.abc import Iterator

import orjson
from pydantic import ValidationError

from schemas.services import UNIT_OF_SERVICE, Service
from schemas.usage import UsageEvent


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'line'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )


def parsed(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, UsageEvent | str]]:
    """Read numbered lines; a line that is no usage event gives what is wrong with it.

    An event that names no unit is counted in the unit of its service.
    """
    for number, line in lines:
        try:
            event = UsageEvent.model_validate(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            yield number, f"is no JSON: {error}"
            continue
        except ValidationError as error:
            yield number, _problems(error)
            continue
        if not event.unit and event.service in set(Service):
            unit = UNIT_OF_SERVICE[Service(event.service)].value
            event = event.model_copy(update={"unit": unit})
        yield number, event
