# Whole networks against each other, and the interactive pages.


rule configurations:
    input:
        estimate=f"{RESULTS}/tables/estimate.parquet",
        published=[
            f"{RESULTS}/tables/published.parquet" for _ in STUDY.config.published[:1]
        ],
    output:
        parquet=f"{RESULTS}/tables/configurations.parquet",
        csv=f"{RESULTS}/tables/configurations.csv",
    log:
        f"{LOGS}/configurations.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**trade_offs.configurations_spec(STUDY)),
        code=code("trade_off_table.py"),
    message:
        "Bring whole networks into one table"
    script:
        "../../scripts/trade_off_table.py"


rule plot_trade_off:
    input:
        configurations=rules.configurations.output.parquet,
    output:
        svg=report(
            f"{RESULTS}/plots/{{plot}}.svg",
            category="Plots",
            caption="../report/trade_off.rst",
            labels={"plot": "{plot}", "by": "network", "quantity": ""},
        ),
        png=f"{RESULTS}/plots/{{plot}}.png",
    log:
        f"{LOGS}/plot.{{plot}}.log",
    wildcard_constraints:
        plot="(scatter|pareto|boxes)[.].+",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**trade_offs.trade_off_spec(STUDY)),
        code=code("plot_trade_off.py"),
    message:
        "Plot {wildcards.plot}"
    script:
        "../../scripts/plot_trade_off.py"


rule pages:
    input:
        roofline=f"{RESULTS}/tables/roofline.parquet",
        roofs=f"{RESULTS}/tables/roofs.parquet",
        prediction=f"{RESULTS}/tables/prediction.parquet",
        configurations=rules.configurations.output.parquet,
        ratios=[
            f"{RESULTS}/tables/measured_over_predicted.parquet"
            for _ in STUDY.config.published[:1]
        ],
    output:
        expand(f"{RESULTS}/pages/{{page}}.html", page=trade_offs.PAGES),
    log:
        f"{LOGS}/pages.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**trade_offs.pages_spec(STUDY)),
        code=code("pages.py"),
    message:
        "Write the interactive pages"
    script:
        "../../scripts/pages.py"
