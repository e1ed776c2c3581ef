# Each run's times beside those of earlier runs, for `nntest history`.


rule record_history:
    # The file in the history is named by when it was measured, which nobody knows before.
    input:
        estimate=f"{RESULTS}/tables/estimate.parquet",
        device_state=f"{RESULTS}/tables/device_state.parquet",
    output:
        recorded=f"{RESULTS}/history.txt",
    log:
        f"{LOGS}/record_history.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1000, runtime=5),
    params:
        spec=spec(**history.history_spec(STUDY)),
        code=code("record_history.py"),
        folder="results/history",
    message:
        "Add the run to the history"
    script:
        "../../scripts/record_history.py"
