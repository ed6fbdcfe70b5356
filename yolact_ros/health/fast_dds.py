"""The name that the installed Fast DDS gives the variable of its profiles."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

PACKAGE = 'rmw_fastrtps_shared_cpp'
FIRST_WITH_3 = 9  # major version of the package that came with Fast DDS 3, in Kilted
OLD_VARIABLE, VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'


def find_profile_variable() -> str:
    """Return the environment variable that names the file of profiles.

    Fast DDS 3 renamed it. The variable ROS_DISTRO does not tell which one it is: outside of a
    distribution it is not set.
    """
    try:
        share = get_package_share_directory(PACKAGE)
    except PackageNotFoundError:
        return VARIABLE
    version = ElementTree.parse(Path(share) / 'package.xml').findtext('version', '')
    return VARIABLE if int(version.partition('.')[0]) >= FIRST_WITH_3 else OLD_VARIABLE
