"""Runs the console: `python -m deskwheel.console --config FILE`."""

from deskwheel.console.app import main

if __name__ == "__main__":
    raise SystemExit(main())
