# Everything that talks to a board: what it is, what is on it, what it measures.  Local rules: also
# where a cluster does the rest, boards are reached from the machine that runs the workflow.


rule probe:
    output:
        facts=f"{RESULTS}/boards/{{board}}/facts.json",
    log:
        f"{LOGS}/probe.{{board}}.log",
    localrule: True
    conda:
        "../envs/nntest.yaml"
    threads: board_threads
    resources:
        **all_boards(),
        **job_size(mem_mb=300, runtime=1440),
    params:
        spec=lambda w: spec(**boards.probe_spec(BOARDS[w.board])),
        code=board_code("probe.py", boards.PROBE_SOURCES),
        left_out=last_left_out("probe.{board}.log"),
    message:
        "Probe {wildcards.board}: what it is"
    script:
        "../../scripts/probe.py"


rule install:
    input:
        facts=rules.probe.output.facts,
    output:
        installed=f"{RESULTS}/boards/{{board}}/{{library}}.json",
    log:
        f"{LOGS}/install.{{board}}.{{library}}.log",
    priority: SOON + 1
    localrule: True
    conda:
        "../envs/nntest.yaml"
    threads: board_threads
    resources:
        **all_boards(),
        **job_size(mem_mb=300, runtime=1440),
    params:
        spec=lambda w: spec(**boards.install_spec(STUDY, w.board, w.library)),
        code=lambda w: library_code("install.py", boards.install_sources, w.library),
        left_out=last_left_out("install.{board}.{library}.log"),
    message:
        "Install {wildcards.library} on {wildcards.board}, or find it there"
    script:
        "../../scripts/install.py"


rule sweep:
    input:
        # Not ancient(): a job that Snakemake runs again hides from it that the params of a job
        # behind an ancient input have changed.  What is measured stays in the board's journal.
        facts=facts_of,
        installed=installed_of,
    output:
        archive=f"{RESULTS}/sweeps/{{board}}.{{library}}{{cut}}.zip",
        journal=f"{RESULTS}/sweeps/{{board}}.{{library}}{{cut}}.journal.jsonl",
        plan=f"{RESULTS}/sweeps/{{board}}.{{library}}{{cut}}.plan.json",
        tuner_table=f"{RESULTS}/sweeps/{{board}}.{{library}}{{cut}}.tuner.json",
        state=f"{RESULTS}/sweeps/{{board}}.{{library}}{{cut}}.state.json",
    log:
        f"{LOGS}/sweep.{{board}}.{{library}}{{cut}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sweep.{{board}}.{{library}}{{cut}}.tsv"
    wildcard_constraints:
        # Sweeps cut by operator and tuner have these in their name.
        cut=r"(\.[a-z]+\.[A-Za-z][A-Za-z0-9-]*)?",
    localrule: True
    conda:
        "../envs/nntest.yaml"
    threads: board_threads
    resources:
        **all_boards(),
        **job_size(mem_mb=300, runtime=1440),
        # Not a limit, a figure to read in a dry run.
        repetitions_to_measure=lambda w: repetitions_to_measure(w),
    params:
        spec=lambda w: spec(**boards.sweep_spec(STUDY, sweep_of(w))),
        code=lambda w: library_code("sweep.py", boards.sweep_sources, w.library),
        left_out=last_left_out("sweep.{board}.{library}{cut}.log"),
    message:
        "Sweep {wildcards.board} with {wildcards.library}{wildcards.cut}: {resources.repetitions_to_measure} repetitions to measure"
    script:
        "../../scripts/sweep.py"
