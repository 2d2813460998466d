"""Times as a user writes them with colons."""

import re
from datetime import timedelta

_WITH_COLONS = re.compile(r"(\d{1,9}):(\d\d):(\d\d):(\d\d)")


def time_with_colons(text: str) -> timedelta | None:
    """Return the time that DD:HH:MM:SS says; None where the text is something else.

    Raises:
        OverflowError: It has more days than Python counts.
    """
    found = _WITH_COLONS.fullmatch(text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = map(int, found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
