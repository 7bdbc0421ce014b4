"""From the log of a job that passed to a Baseline: it knows which lines of a failed one are nothing new."""

from bkdoctor.diagnosis.normal import normalised
from bkdoctor.digests import blake2b
from bkdoctor.trace.log import Log


class Baseline:
    """What a job printed when it passed; `name` is how a reader knows that job."""

    def __init__(self, name: str, log: Log) -> None:
        self.name = name
        # a million lines are no more than their digests in memory
        self._said = frozenset(_digest(log.line(number).body) for number in log.numbers())

    def has(self, text: str) -> bool:
        """Whether such a line was printed by the job that passed, whatever its numbers, times, hashes and paths."""
        return _digest(text) in self._said


def _digest(text: str) -> bytes:
    return blake2b(normalised(text).encode(errors="replace"), digest_size=8).digest()
