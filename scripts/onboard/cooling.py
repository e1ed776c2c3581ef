"""Wait until a board is cool enough to start.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import time

from kernel_files import find_file
from temperatures import read_celsius

CHECK_EVERY_S = 1.0


def too_warm(zones):
    """Names of the zones that are at or above their start temperature."""
    warm = []
    for zone in zones:
        celsius = read_celsius(find_file(zone["path"]), zone.get("degrees_per_unit"))
        if celsius is not None and celsius >= zone["start_below_c"]:
            warm.append("{} {:.1f} C".format(zone["name"], celsius))
    return warm


def wait_until_cool(zones, patience_s, on_wait):
    """Wait until no zone of `zones` is too warm; the zones that still are after `patience_s`.

    `on_wait` is called with them while waiting; returning True ends the wait.
    """
    deadline = time.monotonic() + patience_s
    while True:
        warm = too_warm(zones)
        if not warm or time.monotonic() >= deadline or on_wait(warm):
            return warm
        time.sleep(CHECK_EVERY_S)
