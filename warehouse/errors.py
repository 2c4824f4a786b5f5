"""What can go wrong with the store. Messages never hold a password."""


class StoreError(RuntimeError):
    """The store cannot be used: what, where, and what to do."""


class StoreUnavailable(StoreError):  # noqa: N818  it says what is the case
    """The store does not answer now: the same request may succeed later."""


class StoreRefused(StoreError):  # noqa: N818  it says what is the case
    """The store understood and refused: the same request will be refused again."""
