"""One module a command: it reads the options, calls replay or lookup, and prints what comes back."""
