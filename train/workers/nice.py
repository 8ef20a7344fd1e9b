"""The priority of whatever trains: below that of the services on the same machine."""

import os


def give_way(nice: int) -> None:
    """Let streams, gateway and serving of the same machine go first; repeating it changes nothing.

    Ray may give one process several tasks, so that an increment would add up.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
