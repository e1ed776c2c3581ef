# What follows from the measurements, one table a job.


rule table:
    input:
        measurements=MEASUREMENTS,
        # Only the comparison reads another run.
        run=lambda w: COMPARED_RUNS if w.table == "comparison" else [],
        profiles=lambda w: [
            f"{RESULTS}/tables/{profile}.parquet"
            for profile in tables.TABLES[w.table].reads
        ],
    output:
        parquet=f"{RESULTS}/tables/{{table}}.parquet",
        csv=report(
            f"{RESULTS}/tables/{{table}}.csv",
            category="Tables",
            caption="../report/table.rst",
            labels={"table": "{table}"},
        ),
    log:
        f"{LOGS}/table.{{table}}.log",
    wildcard_constraints:
        table=any_of(tables.TABLES),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=lambda w: spec(**tables.table_spec(STUDY, w.table)),
        module=lambda w: tables.TABLES[w.table].module,
        function=lambda w: tables.TABLES[w.table].function,
        needs=lambda w: tables.TABLES[w.table].needs,
        code=lambda w: code("table.py", tables.TABLES[w.table].module),
        caption=caption("{table}"),
    message:
        "Table {wildcards.table}"
    script:
        "../../scripts/table.py"


rule no_regressions:
    # The last step: its regressions have been tabulated, plotted and reported before.
    input:
        comparison=f"{RESULTS}/tables/comparison.parquet",
        report=REPORT,
    output:
        result=f"{RESULTS}/no-regressions.txt",
    log:
        f"{LOGS}/no_regressions.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**tables.table_spec(STUDY, "comparison")),
        code=code("no_regressions.py"),
    message:
        "See that nothing is slower than the baseline"
    script:
        "../../scripts/no_regressions.py"
