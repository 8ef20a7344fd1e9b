"""Messy customer-service traffic of the demo company, the same for the same seed.

`traffic` tells a number of stories with their ledger, `live` goes on for ever. Reads the
catalogue of `deskwheel.demo`; touches no topic. Everything in it is invented, uses names reserved
for that (example.com, acme.example, 555-01xx, numbers no authority has issued), and every event
says so in its header `synthetic`.
"""

from ingest.simulate.traffic import Ledger, Simulation, simulate, span

__all__ = ["Ledger", "Simulation", "simulate", "span"]
