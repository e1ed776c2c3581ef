"""Temperatures as the kernel's files have them: in thousandths of a degree, or in something else.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import re

COOLEST_C, HOTTEST_C = -40.0, 150.0
"""What silicon that runs can have; sensors that are switched off say something else."""
ENOUGH = 10
"""Readings of a zone, all alike, before it counts as constant."""

_POWER_SUPPLY = re.compile(
    r"^(ac$|usb|psu|pm\d|pmi\d|pmk|bat|vbat|vbus|bms|bq2|axp|rk8\d\d|max17|chg)|"
    r"battery|charger|pmic|power.?supply",
    re.I,
)


def celsius(text, degrees_per_unit=None):
    """The temperature that a `temp` file's text says, °C; None where it says none.

    degrees_per_unit: 0.001 for thousandths, as the kernel's documentation has it, 1 for degrees, as
    some drivers do; None to tell them apart.  From 200 to 999 it may be either, or tenths, and is
    refused: no running chip has 0.5 °C.
    """
    try:
        value = float(text.strip())
    except ValueError:
        return None
    if degrees_per_unit is not None:
        value *= degrees_per_unit
    elif abs(value) >= 1000:
        value /= 1000.0
    return value if COOLEST_C <= value <= HOTTEST_C else None


def read_celsius(path, degrees_per_unit=None):
    """The same of a file; None also where it cannot be read."""
    try:
        with open(path, errors="replace") as stream:
            return celsius(stream.read(), degrees_per_unit)
    except OSError:
        return None


def is_power_supply(zone_type: str) -> bool:
    """Whether a thermal zone of that type is a power supply's, not what computes."""
    return bool(_POWER_SUPPLY.search(zone_type))


def constant(readings):
    """Names of the zones that say the same all the time while others do not.

    readings: {zone: °C} of one look each.
    """
    seen, counts = {}, {}
    for zones in readings:
        for name, value in zones.items():
            seen.setdefault(name, set()).add(value)
            counts[name] = counts.get(name, 0) + 1
    still = {name for name in seen if len(seen[name]) == 1 and counts[name] >= ENOUGH}
    return still if len(still) < len(seen) else set()


def hottest(zones, left_out=()):
    """(zone, °C) of the hottest of {zone: °C}; (None, None) without one."""
    counted = [name for name in sorted(zones) if name not in left_out]
    name = max(counted, key=lambda zone: zones[zone]) if counted else None
    return (name, zones[name]) if counted else (None, None)
