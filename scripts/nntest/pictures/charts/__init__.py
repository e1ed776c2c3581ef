"""Charts by Altair: to be clicked at on pages that need no network, and as still pictures."""
