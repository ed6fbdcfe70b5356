"""The one error for input from outside that is not as it must be."""


class InputError(ValueError):
    """A file, configuration, option or image is not as it must be.

    Its text is one sentence: what must hold, then what was found. The command line prints it and
    exits with 2; the node refuses what it was given and goes on.
    """
