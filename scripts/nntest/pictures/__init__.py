"""From tables to pictures in one style: `plots` by matplotlib and seaborn, `charts` by Altair."""
