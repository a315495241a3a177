"""The command line: a command is parse, one call, render. click and rich live only here."""
