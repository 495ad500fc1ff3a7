"""The command line: the Operator's commands open the data directory, everything else calls the API."""
