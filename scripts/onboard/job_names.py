"""What a detached job and its follower both name: its files, and the states of its status.

Standard library only, Python 3.5 and later: this file is copied to boards, and nntest imports it.
"""

PLAN_FILE = "plan.json"
"""What is being done, or was done last; its `plan_id` tells it from other plans for the folder."""
PLANS = "plans"
"""Folder with every plan that was asked for of late, under its id: nobody overwrites another's."""
STATUS_FILE = "status.json"
"""How far it is; rewritten while it runs."""
STOP_FILE = "stop"
"""Is there once a job is asked to stop, with the id of its plan; of no id: whatever job runs."""
LOG_FILE = "runner.log"
"""What the job's process wrote; empty unless something went wrong."""
JOURNAL_FILE = "journal.jsonl"
"""What a sweep has measured."""
CHANGES_FILE = "board-changes.json"
"""What the board is, and what of it has changed since the journal began."""
RESULT_FILE = "installed.json"
"""What an installation came to."""

# States of a status.
STARTING = "starting"
RUNNING = "running"
DONE = "done"
STOPPED = "stopped"
FAILED = "failed"
FINAL_STATES = (DONE, STOPPED, FAILED)
VANISHED = "vanished"
"""Of a job that was killed, or whose board was rebooted: it ended without a final state."""
NONE = "none"
"""There is no job in the folder."""

# What `start` answers, beside FAILED.
STARTED = "started"
BUSY = "busy"


def plan_file(plan_id: str, kind: str = "") -> str:
    """Where a plan lies below a job's folder; `kind`: `.status` for how it ended, if it did."""
    return "{}/{}{}.json".format(PLANS, plan_id, kind)
