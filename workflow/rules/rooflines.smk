# What could be reached: roofs and predictions, tables that others published, and their pictures.

from nntest.graph import rooflines


rule predict:
    input:
        measurements=MEASUREMENTS,
    output:
        tables=expand(
            f"{RESULTS}/tables/{{table}}.{{kind}}",
            table=rooflines.ROOFLINE_TABLES,
            kind=["parquet", "csv"],
        ),
    log:
        f"{LOGS}/predict.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**rooflines.prediction_spec(STUDY)),
        code=code("study_tables.py", "nntest.analysis.study_tables"),
    message:
        "Predict frames a second from roofs and layers"
    script:
        "../../scripts/study_tables.py"


rule read_published:
    input:
        files=rooflines.published_files(STUDY),
    output:
        tables=expand(
            f"{RESULTS}/tables/{{table}}.{{kind}}",
            table=rooflines.PUBLISHED_TABLES,
            kind=["parquet", "csv"],
        ),
    log:
        f"{LOGS}/read_published.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**rooflines.prediction_spec(STUDY)),
        code=code("study_tables.py", "nntest.analysis.study_tables"),
    message:
        "Read published tables, and check them"
    script:
        "../../scripts/study_tables.py"


rule plot_roofline:
    input:
        measurements=MEASUREMENTS,
        points=f"{RESULTS}/tables/roofline.parquet",
    output:
        svg=report(
            f"{RESULTS}/plots/roofline.layers.svg",
            category="Plots",
            caption="../report/roofline.rst",
            labels={"plot": "roofline", "by": "layer", "quantity": "GFLOP/s"},
        ),
        png=f"{RESULTS}/plots/roofline.layers.png",
    log:
        f"{LOGS}/plot_roofline.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**rooflines.roofline_plot_spec(STUDY)),
        code=code("plot_roofline.py", "nntest.pictures.charts.stills"),
    message:
        "Plot the roofline"
    script:
        "../../scripts/plot_roofline.py"


rule plot_prediction:
    input:
        prediction=f"{RESULTS}/tables/prediction.parquet",
        points=f"{RESULTS}/tables/roofline.parquet",
        ratios=[
            f"{RESULTS}/tables/measured_over_predicted.parquet"
            for _ in STUDY.config.published[:1]
        ],
    output:
        svg=report(
            f"{RESULTS}/plots/prediction.frames.svg",
            category="Plots",
            caption="../report/prediction.rst",
            labels={"plot": "prediction", "by": "network", "quantity": "frames/s"},
        ),
        png=f"{RESULTS}/plots/prediction.frames.png",
    log:
        f"{LOGS}/plot_prediction.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**rooflines.prediction_plot_spec(STUDY)),
        code=code("plot_prediction.py", "nntest.pictures.charts.stills"),
    message:
        "Plot the predictions"
    script:
        "../../scripts/plot_prediction.py"
