"""The ingest stage: brings events into Kafka. Writes the raw topics; reads none but dead letters.

Start with `publish.py` (the one way into the topics), then `sources/` (raw material → events),
`replay.py` (a folder of recorded traffic) and `simulate/` (the demo company's traffic).
"""
