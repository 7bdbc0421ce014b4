"""What could not be read -> sentences, those that differ by numbers alone as one with how many there are."""

import re
from collections.abc import Iterable

_NUMBERS = re.compile(r"\d+")


class Missing:
    """Sentences, in the order in which they came."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._found: dict[str, tuple[str, int]] = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add what could not be read, with why and the next step."""
        kind = _NUMBERS.sub("0", text)
        first, count = self._found.get(kind, (text, 0))
        self._found[kind] = (first, count + 1)

    @property
    def texts(self) -> tuple[str, ...]:
        """What there is to say."""
        return tuple(
            first if count == 1 else f"{first} (and {count - 1} more like this)"
            for first, count in self._found.values()
        )
