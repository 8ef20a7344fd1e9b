"""Messy customer-service traffic of the demo company, the same for the same seed.

Reads the catalogue of `deskwheel.demo`; touches no topic. Everything in it is invented and uses
names reserved for that: example.com, acme.example, 555-01xx, numbers no authority has issued.
"""

from ingest.simulate.traffic import Ledger, Simulation, simulate, span

__all__ = ["Ledger", "Simulation", "simulate", "span"]
