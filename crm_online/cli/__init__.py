"""The command line: `crm-online`, for people and, with ``--json``, for scripts."""

from crm_online.cli.process import main

__all__ = ["main"]
