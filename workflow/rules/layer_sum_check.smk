# The way of estimating, checked on published figures (config: layer_sum_check).

if STUDY.config.layer_sum_check:

    rule layer_sum_check:
        input:
            layer_times=PREDICTION_FILES[0],
            measured=PREDICTION_FILES[1],
        output:
            tables=expand(
                f"{RESULTS}/tables/{{table}}.{{kind}}",
                table=tables.LAYER_SUM_CHECK_TABLES,
                kind=["parquet", "csv"],
            ),
            svg=report(
                f"{RESULTS}/plots/layer_sum_check.svg",
                category="Plots",
                caption="../report/layer_sum_check.rst",
                labels={"plot": "layer_sum_check", "by": "", "quantity": ""},
            ),
            png=f"{RESULTS}/plots/layer_sum_check.png",
        log:
            f"{LOGS}/layer_sum_check.log",
        conda:
            "../envs/nntest.yaml"
        resources:
            **job_size(mem_mb=1000, runtime=10),
        params:
            spec=spec(**tables.layer_sum_check_spec(STUDY)),
            code=code("layer_sum_check.py"),
        message:
            "Check the way of estimating on published figures"
        script:
            "../../scripts/layer_sum_check.py"
