# What follows from the measurements: all tables by one job, since starting it takes the longest.


rule tables:
    input:
        measurements=MEASUREMENTS,
        profiles=expand(
            f"{RESULTS}/tables/{{table}}.parquet", table=tables.PROFILE_TABLES
        ),
        # What the comparison reads of another run.
        run=COMPARED_RUNS,
        published=[
            f"{RESULTS}/tables/published.parquet" for _ in STUDY.config.published[:1]
        ],
    output:
        parquet=expand(f"{RESULTS}/tables/{{table}}.parquet", table=tables.TABLES),
        csv=[
            report(
                f"{RESULTS}/tables/{table}.csv",
                category="Tables",
                caption="../report/table.rst",
                labels={"table": ALL[table].title},
            )
            for table in tables.TABLES
        ],
    log:
        f"{LOGS}/tables.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1500, runtime=20),
    params:
        spec=spec(**tables.tables_spec(STUDY)),
        code=code("tables.py", *tables.modules()),
    message:
        "Make the tables"
    script:
        "../../scripts/tables.py"


rule read_published:
    input:
        files=tables.published_files(STUDY),
    output:
        tables=expand(
            f"{RESULTS}/tables/{{table}}.{{kind}}",
            table=tables.PUBLISHED_TABLES,
            kind=["parquet", "csv"],
        ),
    log:
        f"{LOGS}/read_published.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1000, runtime=10),
    params:
        spec=spec(**tables.published_spec(STUDY)),
        code=code("read_published.py"),
    message:
        "Read published tables, and check them"
    script:
        "../../scripts/read_published.py"


rule no_regressions:
    # The last step: its regressions have been tabulated, plotted and reported before.
    input:
        comparison=f"{RESULTS}/tables/comparison.parquet",
        report=REPORT,
    output:
        result=f"{RESULTS}/no-regressions.txt",
    log:
        f"{LOGS}/no_regressions.log",
    localrule: True
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=500, runtime=5),
    params:
        spec=spec(compare=tables.compare_spec(STUDY)),
        code=code("no_regressions.py"),
    message:
        "See that nothing is slower than the baseline"
    script:
        "../../scripts/no_regressions.py"
