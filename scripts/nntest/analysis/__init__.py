"""From measurements to tables: statistics, schedules, estimates, comparisons, rooflines."""
