"""Cannot be loaded: a function whose runtime reports an initialisation error before it has a handler."""

raise RuntimeError("this function fails while it is being loaded")
