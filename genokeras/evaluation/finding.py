"""One thing that a report says of a model or of its data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One check: `level` is `good`, `warn` or `bad`, `title` a few words, `text` a sentence."""

    level: str
    title: str
    text: str
