"""``python -m yolact_ros.demo``."""

import sys

from yolact_ros.demo.command import main

if __name__ == '__main__':
    sys.exit(main())
