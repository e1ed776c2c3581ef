# Pictures of what was made of the measurements: networks, comparisons.

ANALYSIS_PLOTS = {
    # Picture: its tables
    "layers": ["layer_times", "estimate"],
    "end_to_end": ["end_to_end"],
    "comparison": ["comparison"],
}


rule analysis_plot:
    input:
        measurements=MEASUREMENTS,
        tables=lambda w: expand(
            f"{RESULTS}/tables/{{table}}.parquet", table=ANALYSIS_PLOTS[w.plot]
        ),
    output:
        svg=report(
            f"{RESULTS}/plots/{{plot}}.svg",
            category="Plots",
            caption="../report/analysis_plot.rst",
            labels={"plot": "{plot}", "by": "", "quantity": ""},
        ),
        png=f"{RESULTS}/plots/{{plot}}.png",
    log:
        f"{LOGS}/plot.{{plot}}.log",
    wildcard_constraints:
        plot=any_of(ANALYSIS_PLOTS),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=lambda w: spec(**plots.analysis_plot_spec(STUDY, w.plot)),
        code=code("plot_analysis.py"),
    message:
        "Plot {wildcards.plot}"
    script:
        "../../scripts/plot_analysis.py"
