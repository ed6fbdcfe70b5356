"""Make the ROS 2 wheels at home in this environment.

Their CMake files name the include folders of the machine that built them, and nothing tells
programs where the packages are. Run this with the environment's own Python after the wheels are
installed; running it again changes nothing.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy as np

BUILDER = r'/opt/python/cp\d+-cp\d+'
INCLUDE_FOLDERS = {
    re.compile(BUILDER + r'/lib/python3\.\d+/site-packages/numpy/_core/include'): np.get_include(),
    re.compile(BUILDER + r'/include/python3\.\d+'): sysconfig.get_path('include'),
}
START_UP = 'import os, sys; os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)\n'


def relocate(prefix: Path) -> int:
    """Rewrite the CMake files under a prefix and return how many needed it."""
    changed = 0
    for path in (prefix / 'share').rglob('*.cmake'):
        text = relocated = path.read_text()
        for builder, here in INCLUDE_FOLDERS.items():
            relocated = builder.sub(here, relocated)
        if relocated != text:
            path.write_text(relocated)
            changed += 1
    return changed


def announce(site_packages: Path) -> None:
    """Have every start of Python say where ROS packages are, unless somebody has already."""
    (site_packages / 'ros_wheels_prefix.pth').write_text(START_UP)


if __name__ == '__main__':
    sys.stdout.write(f'CMake files made to fit: {relocate(Path(sys.prefix))}\n')
    announce(Path(sysconfig.get_path('purelib')))
