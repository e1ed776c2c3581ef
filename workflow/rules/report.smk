# One page with all results.


rule report:
    input:
        measurements=MEASUREMENTS,
        profiles=rules.tidy.output.profiles,
        tables=expand(
            f"{RESULTS}/tables/{{table}}.parquet", table=tables.report_tables(STUDY)
        ),
        plots=expand(
            f"{RESULTS}/plots/{{picture}}.{{kind}}",
            picture=plots.pictures_of(STUDY),
            kind=["svg", "png"],
        ),
        prediction=expand(
            f"{RESULTS}/tables/{{table}}.parquet",
            table=tables.LAYER_SUM_CHECK_TABLES if PREDICTION_FILES else [],
        ),
        facts=expand(f"{RESULTS}/boards/{{board}}/facts.json", board=BOARDS),
        installed=[
            f"{RESULTS}/boards/{name}/{sweep.library.name}.json"
            for sweep in SWEEPS.values()
            for name in sweep.board_names
        ],
        chosen=expand(f"{RESULTS}/sweeps/{{sweep}}.json", sweep=NETWORK_SWEEPS),
        states=expand(
            f"{RESULTS}/sweeps/{{sweep}}.state.json", sweep=[*SWEEPS, *NETWORK_SWEEPS]
        ),
        remarks=rules.merge.output.remarks,
    output:
        page=report(
            REPORT,
            category="Report",
            caption="../report/report.rst",
            labels={"page": "the whole report"},
        ),
        headline=f"{RESULTS}/headline.txt",
        config=f"{RESULTS}/config.yaml",
    log:
        f"{LOGS}/report.log",
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=1500, runtime=10),
    params:
        spec=spec(**plots.report_spec(STUDY)),
        code=code("report.py"),
    message:
        "Write the report"
    script:
        "../../scripts/report.py"


rule every_board:
    # The last step: what is there has been tabulated, plotted and reported before.
    input:
        states=rules.report.input.states,
        # After it; another report says nothing new of boards.
        report=ancient(REPORT),
    output:
        result=f"{RESULTS}/every-board.txt",
    log:
        f"{LOGS}/every_board.log",
    localrule: True
    conda:
        "../envs/nntest.yaml"
    resources:
        **job_size(mem_mb=500, runtime=5),
    params:
        code=code("every_board.py"),
    message:
        "See that no board is missing"
    script:
        "../../scripts/every_board.py"
