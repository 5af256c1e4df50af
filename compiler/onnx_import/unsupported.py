"""The exception by which an importer declines a node; the import collects these over the whole graph."""


class Unsupported(Exception):
    """A sound node that cannot be imported, and what the user can do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
