"""Past traffic read anew by today's rules: shadow tables, a report of changes, and a merge."""
