"""The one error for input from outside that is not as it must be, and exit statuses."""

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE
TERMINATED = 143  # 128 + SIGTERM


class InputError(ValueError):
    """A file, configuration, option or image is not as it must be.

    Its text is one sentence: what must hold, then what was found. The command line prints it and
    exits with ``BAD_INPUT``; the node refuses what it was given and goes on.
    """
