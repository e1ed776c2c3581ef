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
        by=any_of(plots.VIOLIN_BY),
        quantity=any_of(plots.VIOLIN_QUANTITIES),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**plots.violin_spec(STUDY)),
        code=code("plot_violin.py"),
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
        statistic=any_of(plots.SPEEDUP_STATISTICS),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**plots.speedup_spec(STUDY)),
        code=code("plot_speedup.py"),
    message:
        "Plot speedups by {wildcards.statistic}"
    script:
        "../../scripts/plot_speedup.py"
