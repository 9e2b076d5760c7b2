"""The process that does the work, in the runtime's own Python: `python -m core.worker`."""
