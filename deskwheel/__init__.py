"""The kernel of deskwheel: the records, where they live, and how a stage is configured.

Reads and writes no table or topic itself and imports no stage and no engine.
"""

__version__ = "0.1.0"
