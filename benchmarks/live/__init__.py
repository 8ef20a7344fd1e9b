"""The whole streaming job beside a broker and traffic of its own, and what it costs."""
