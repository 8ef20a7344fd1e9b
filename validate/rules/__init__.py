"""What people do with the suites: show, change, check, compare and document them."""
