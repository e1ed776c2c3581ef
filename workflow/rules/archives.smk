# From CK archives to the measurement table; from here on nothing talks to a board.


rule merge:
    input:
        sweeps=expand(
            f"{RESULTS}/sweeps/{{sweep}}.zip", sweep=[*SWEEPS, *NETWORK_SWEEPS]
        ),
        imports=IMPORTED,
    output:
        archive=MERGED,
        remarks=f"{RESULTS}/tables/merge.txt",
    log:
        f"{LOGS}/merge.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1000, runtime=20),
    params:
        spec=spec(
            imports=STUDY.config.imports,
            merge=STUDY.config.merge,
            synthetic=STUDY.config.synthetic_datasets,
        ),
        code=code("merge.py"),
    message:
        "Merge the archives"
    script:
        "../../scripts/merge.py"


rule tidy:
    input:
        archive=rules.merge.output.archive,
    output:
        parquet=MEASUREMENTS,
        csv=report(
            f"{RESULTS}/tables/measurements.csv",
            category="Tables",
            caption="../report/table.rst",
            labels={"table": ALL["measurements"].title},
        ),
        profiles=expand(
            f"{RESULTS}/tables/{{table}}.{{kind}}",
            table=tables.PROFILE_TABLES,
            kind=["parquet", "csv"],
        ),
    log:
        f"{LOGS}/tidy.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1500, runtime=20),
    params:
        spec=spec(**archives.tidy_spec(STUDY)),
        code=code("tidy.py"),
    message:
        "Read the archive into the measurement table"
    script:
        "../../scripts/tidy.py"
