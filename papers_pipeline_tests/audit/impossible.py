"""The faults that a party cannot have: for each party, a reason and the faults that it excludes."""

STATUSES = ("401 or 403", "404", "429", "5xx")
LOCAL = "it is a file of this machine: nobody answers a request"
OURS = "only who runs the pipeline writes it, and may run anything else too"

IMPOSSIBLE: dict[str, dict[str, tuple[str, ...]]] = {
    "disk": {
        LOCAL: ("slow or drips", "timeout", *STATUSES),
        "a file is renamed into place when it is complete": ("cut short",),
        OURS: ("hostile",),
    },
    "ledger": {
        LOCAL: ("slow or drips", "timeout", *STATUSES),
        "a line that is cut short is one of a killed process": ("cut short",),
        OURS: ("hostile",),
    },
    "Dagster's databases": {
        LOCAL: ("slow or drips", "timeout", *STATUSES),
        "SQLite rolls back what is not complete; a file that is cut is damaged": ("cut short",),
        OURS: ("hostile",),
        "Dagster's version is pinned": ("changed or withdrawn",),
    },
    "Postgres": {
        "it has no such answers: too many connections are one that cannot be reached": (
            "429",
            "5xx",
        ),
        OURS: ("hostile",),
    },
    "folder": {
        LOCAL: ("slow or drips", "timeout", *STATUSES),
        "a file is renamed into place when it is complete": ("cut short",),
    },
    "rsync": {
        "ssh has no such answers": ("429", "5xx"),
        "of what rsync prints, only names of files are read, to count them": (
            "malformed",
            "hostile",
        ),
    },
    "branch": {
        "git checks what it receives, and nothing of the branch is run or shown": ("hostile",),
        "git's objects are checked by their hashes, and each commit replaces all": (
            "damaged file",
        ),
    },
    "webhook": {
        "only the status of its answer is read": ("hostile",),
        "nothing of it is stored but the cursor, in Dagster's databases": (
            "full disk",
            "damaged file",
        ),
    },
    "address": {
        "of its answer, only whether it was accepted is read": ("hostile",),
        "nothing of it is stored but the cursor, in Dagster's databases": (
            "full disk",
            "damaged file",
        ),
    },
    "chat": {
        "of its answer, only whether it was accepted is read": ("hostile",),
    },
}
