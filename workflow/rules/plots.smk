# Pictures of the measurements, one a job.


rule violin:
    input:
        measurements=MEASUREMENTS,
    output:
        svg=report(
            f"{RESULTS}/plots/violin.{{by}}.{{quantity}}.svg",
            category="Plots",
            caption="../report/violin.rst",
            labels={"plot": "violin", "by": "{by}", "quantity": "{quantity}"},
        ),
        png=f"{RESULTS}/plots/violin.{{by}}.{{quantity}}.png",
    log:
        f"{LOGS}/violin.{{by}}.{{quantity}}.log",
    wildcard_constraints:
        by="|".join(graph.VIOLIN_BY),
        quantity="|".join(graph.VIOLIN_QUANTITIES),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**graph.violin_spec(STUDY)),
        code=code("plot_violin.py", "nntest.pictures.plots.violin"),
    message:
        "Plot violins by {wildcards.by}, {wildcards.quantity}"
    script:
        "../../scripts/plot_violin.py"


rule speedup_bars:
    input:
        measurements=MEASUREMENTS,
        speedup=f"{RESULTS}/tables/speedup.parquet",
    output:
        svg=report(
            f"{RESULTS}/plots/speedup.{{statistic}}.svg",
            category="Plots",
            caption="../report/speedup.rst",
            labels={"plot": "speedup", "by": "tensor", "quantity": "{statistic}"},
        ),
        png=f"{RESULTS}/plots/speedup.{{statistic}}.png",
    log:
        f"{LOGS}/speedup.{{statistic}}.log",
    wildcard_constraints:
        statistic="|".join(graph.SPEEDUP_STATISTICS),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**graph.speedup_spec(STUDY)),
        code=code("plot_speedup.py", "nntest.pictures.plots.speedup_bars"),
    message:
        "Plot speedups by {wildcards.statistic}"
    script:
        "../../scripts/plot_speedup.py"
