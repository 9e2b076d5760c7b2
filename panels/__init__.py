"""What the editor sees: reads state, names operators; computes nothing, starts nothing."""


def register() -> None:
    """Register the sidebar."""
    from . import sidebar

    sidebar.register()


def unregister() -> None:
    """Undo `register`."""
    from . import sidebar

    sidebar.unregister()
