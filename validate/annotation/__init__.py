"""What people say about examples, how far they agree, and how that flows back as labels.

Reads `validated_examples` and `conversations`; writes `annotation_tasks` (who is asked about what)
and `annotations` (what they answered). Runs without a JVM. The rules that annotators follow are
`docs/annotation-guide.md`.
"""
