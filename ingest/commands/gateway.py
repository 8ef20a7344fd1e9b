"""The verb that serves the gateway. Writes the raw topics."""

import logging
from argparse import Namespace

from deskwheel.settings import Settings
from ingest.gateway.server import serve


def gateway_verb(settings: Settings, _arguments: Namespace) -> int:
    """Serve until a signal, then drain."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # It reports every failed attempt to reach a broker, many times a second; `ingest.access`
    # listens to these reports all the same.
    kafka = logging.getLogger("kafka")
    kafka.setLevel(logging.WARNING)
    kafka.addHandler(logging.NullHandler())
    kafka.propagate = False
    return serve(settings)
