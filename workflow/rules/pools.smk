# Whether the boards of a pool differ: a few points that each of them measures.

if STUDY.pools:

    rule compare_pools:
        input:
            anchors=expand(f"{RESULTS}/sweeps/{{sweep}}.zip", sweep=ANCHORS),
        output:
            tables=expand(
                f"{RESULTS}/tables/{{table}}.{{kind}}",
                table=tables.POOL_TABLES,
                kind=["parquet", "csv"],
            ),
        log:
            f"{LOGS}/compare_pools.log",
        conda:
            "../envs/nntest.yaml"
        resources:
            **job_size(mem_mb=1000, runtime=10),
        params:
            spec=spec(**tables.pools_spec(STUDY)),
            code=code("compare_pools.py"),
        message:
            "Compare the boards of pools"
        script:
            "../../scripts/compare_pools.py"
