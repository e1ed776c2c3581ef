# What follows from the measurements, one table a job.


rule table:
    input:
        measurements=MEASUREMENTS,
        profiles=lambda w: [
            f"{RESULTS}/tables/{profile}.parquet"
            for profile in graph.TABLES[w.table].reads
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
        table="|".join(graph.TABLES),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=lambda w: spec(**graph.table_spec(STUDY, w.table)),
        code=lambda w: code("table.py", graph.TABLES[w.table].module),
    message:
        "Table {wildcards.table}"
    script:
        "../../scripts/table.py"
