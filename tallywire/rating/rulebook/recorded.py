"""Counters and amounts as a stored charge read them: what a replay rates with."""

from collections.abc import Callable, Iterator, Mapping

from tallywire.rating.rulebook.tally import CounterKey, Tally


class RecordedTally(Tally):
    """Gives recorded values in the order in which they were read.

    Args:
        values: What was read; after the last one everything is 0.
    """

    def __init__(self, values: Iterator[int]) -> None:
        super().__init__(lambda _key: next(values, 0))
        self._values = values

    def measured(self, key: CounterKey, measure: Callable[[], int]) -> int:
        """Give what was measured then; the series itself is not recorded."""
        del measure
        return super().measured(key, lambda: next(self._values, 0))


class RecordedAmounts(Mapping[str, tuple[int, str]]):
    """Gives the recorded charge of an earlier leg when it is asked for.

    Args:
        values: What was read, in that order.
        currency: Of the leg that takes a share.
    """

    def __init__(self, values: Iterator[int], currency: str) -> None:
        self._values, self._currency = values, currency

    def __getitem__(self, run: str) -> tuple[int, str]:
        """Give the amount of a run, 10^-9, and its currency.

        Raises:
            KeyError: If no amount was recorded.
        """
        for value in self._values:
            return value, self._currency
        raise KeyError(run)

    def __iter__(self) -> Iterator[str]:
        """List nothing: which runs there were is not recorded."""
        return iter(())

    def __len__(self) -> int:
        """Count nothing, as above."""
        return 0
