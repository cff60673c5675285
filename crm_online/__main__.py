"""``python -m crm_online``: the command line."""

from crm_online.cli import main

if __name__ == "__main__":
    main()
