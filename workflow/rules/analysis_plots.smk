# Pictures of what was made of the measurements: networks, comparisons.

ANALYSIS_PLOTS = {
    # Picture: (its tables, the module that draws it)
    "layers": (["layer_times", "estimate"], "nntest.pictures.plots.layer_bars"),
    "end_to_end": (["end_to_end"], "nntest.pictures.plots.end_to_end"),
    "comparison": (["comparison"], "nntest.pictures.plots.comparison"),
}


rule analysis_plot:
    input:
        measurements=MEASUREMENTS,
        tables=lambda w: expand(
            f"{RESULTS}/tables/{{table}}.parquet", table=ANALYSIS_PLOTS[w.plot][0]
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
        plot="|".join(ANALYSIS_PLOTS),
    conda:
        "../envs/nntest.yaml"
    params:
        spec=lambda w: spec(**graph.analysis_plot_spec(STUDY, w.plot)),
        code=lambda w: code("plot_analysis.py", ANALYSIS_PLOTS[w.plot][1]),
    message:
        "Plot {wildcards.plot}"
    script:
        "../../scripts/plot_analysis.py"
