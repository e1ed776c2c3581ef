# Pictures: those of seaborn and matplotlib by one job, those of Altair by another, and the pages.


rule plots:
    input:
        measurements=MEASUREMENTS,
        tables=expand(f"{RESULTS}/tables/{{table}}.parquet", table=plots.PLOTTED_TABLES),
    output:
        svg=[
            report(
                f"{RESULTS}/plots/{picture}.svg",
                category=plots.plot_caption(picture)[1],
                caption="../report/picture.rst",
                labels={"picture": plots.plot_caption(picture)[0]},
            )
            for picture in plots.plots_of(STUDY)
        ],
        png=expand(f"{RESULTS}/plots/{{picture}}.png", picture=plots.plots_of(STUDY)),
    log:
        f"{LOGS}/plots.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=2000, runtime=30),
    params:
        spec=spec(**plots.plots_spec(STUDY)),
        code=code("plots.py"),
    message:
        "Draw the plots"
    script:
        "../../scripts/plots.py"


rule stills:
    input:
        measurements=MEASUREMENTS,
        tables=expand(f"{RESULTS}/tables/{{table}}.parquet", table=plots.CHARTED_TABLES),
        ratios=[
            f"{RESULTS}/tables/measured_over_predicted.parquet"
            for _ in STUDY.config.published[:1]
        ],
    output:
        svg=[
            report(
                f"{RESULTS}/plots/{picture}.svg",
                category=plots.plot_caption(picture)[1],
                caption="../report/picture.rst",
                labels={"picture": plots.plot_caption(picture)[0]},
            )
            for picture in plots.stills_of(STUDY)
        ],
        png=expand(f"{RESULTS}/plots/{{picture}}.png", picture=plots.stills_of(STUDY)),
    log:
        f"{LOGS}/stills.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=2000, runtime=20),
    params:
        spec=spec(**plots.stills_spec(STUDY)),
        code=code("stills.py"),
    message:
        "Draw stills of the charts"
    script:
        "../../scripts/stills.py"


rule pages:
    input:
        tables=rules.stills.input.tables,
        roofs=f"{RESULTS}/tables/roofs.parquet",
        ratios=rules.stills.input.ratios,
    output:
        expand(f"{RESULTS}/pages/{{page}}.html", page=plots.PAGES),
    log:
        f"{LOGS}/pages.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1500, runtime=10),
    params:
        spec=spec(**plots.pages_spec(STUDY)),
        code=code("pages.py"),
    message:
        "Write the interactive pages"
    script:
        "../../scripts/pages.py"
