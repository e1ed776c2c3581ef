# The way of estimating, checked on published figures (config: prediction_check).

if STUDY.config.prediction_check:

    rule prediction_check:
        input:
            layer_times=PREDICTION_FILES[0],
            measured=PREDICTION_FILES[1],
        output:
            tables=expand(
                f"{RESULTS}/tables/{{table}}.{{kind}}",
                table=graph.PREDICTION_CHECK_TABLES,
                kind=["parquet", "csv"],
            ),
            svg=report(
                f"{RESULTS}/plots/prediction_check.svg",
                category="Plots",
                caption="../report/prediction_check.rst",
                labels={"plot": "prediction_check", "by": "", "quantity": ""},
            ),
            png=f"{RESULTS}/plots/prediction_check.png",
        log:
            f"{LOGS}/prediction_check.log",
        conda:
            "../envs/nntest.yaml"
        params:
            spec=spec(**graph.prediction_check_spec(STUDY)),
            code=code("prediction_check.py", "nntest.plots.prediction_check"),
        message:
            "Check the way of estimating on published figures"
        script:
            "../../scripts/prediction_check.py"
