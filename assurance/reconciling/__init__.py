"""Controls that compare what the store holds with itself: a query, and what its rows mean."""

from importlib import resources


def sql(name: str) -> str:
    """Read a query by name."""
    return (resources.files("assurance.reconciling") / f"{name}.sql").read_text()
