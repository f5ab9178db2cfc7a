"""What `papers verify` finds."""

from dataclasses import dataclass

SET_ASIDE = "damaged; it is set aside"
REPAIR = "`papers verify --repair`"
AN_UPGRADE = "an upgrade"


@dataclass(frozen=True)
class Finding:
    """What is wrong with a stored file, and what mends it."""

    subject: str
    fault: str
    way_out: str


@dataclass(frozen=True)
class Remark:
    """Something to know that is no fault."""

    text: str
