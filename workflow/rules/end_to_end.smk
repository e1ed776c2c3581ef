# Whole networks: what each layer is to run with, and the sweep that measures all in one process.
# Where nothing is to be chosen from a sweep of the layers, they are measured before it, so that
# the first answer is there as soon as it can be.


rule schedule_network:
    input:
        sweeps=lambda w: [
            f"{RESULTS}/sweeps/{sweep.name}.zip"
            for sweep in SWEEPS.values()
            if (sweep.place, sweep.library.name) == (w.board, w.library)
            and sweep.library.chooses_by_layer
        ],
    output:
        chosen=f"{RESULTS}/sweeps/{{board}}.{{library}}.network.json",
    log:
        f"{LOGS}/schedule_network.{{board}}.{{library}}.log",
    priority: SOON + 1
    localrule: True
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1000, runtime=10),
    params:
        spec=lambda w: spec(**boards.network_schedule_spec(STUDY, w.library)),
        code=code("schedule_network.py"),
    message:
        "Schedule whole networks from what {wildcards.board} measured with {wildcards.library}"
    script:
        "../../scripts/schedule_network.py"


rule sweep_network:
    input:
        facts=facts_of,
        installed=installed_of,
        chosen=rules.schedule_network.output.chosen,
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
        cut=r"\.network",
    priority: SOON
    localrule: True
    conda:
        "../envs/nntest.yaml"
    threads: board_threads
    resources:
        **all_boards(),
        **job_size(mem_mb=300, runtime=1440),
        repetitions_to_measure=lambda w: repetitions_to_measure(w),
    params:
        spec=lambda w: spec(**boards.sweep_spec(STUDY, sweep_of(w))),
        code=lambda w: library_code("sweep.py", boards.sweep_sources, w.library),
        left_out=last_left_out("sweep.{board}.{library}{cut}.log"),
    message:
        "Measure whole networks on {wildcards.board} with {wildcards.library}: {resources.repetitions_to_measure} repetitions to measure"
    script:
        "../../scripts/sweep.py"


rule rank_first:
    input:
        sweeps=lambda w: [
            f"{RESULTS}/sweeps/{sweep.name}.zip"
            for sweep in NETWORK_SWEEPS.values()
            if sweep.place == w.board and not sweep.library.chooses_by_layer
        ],
    output:
        ranking=f"{RESULTS}/boards/{{board}}/first-ranking.txt",
    log:
        f"{LOGS}/rank_first.{{board}}.log",
    priority: SOON + 1
    localrule: True
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1000, runtime=10),
    params:
        spec=spec(**tables.first_ranking_spec(STUDY)),
        code=code("rank_first.py"),
    message:
        "Rank the libraries by what {wildcards.board} has measured of whole networks"
    script:
        "../../scripts/rank_first.py"
