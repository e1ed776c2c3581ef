# Pictures of the profiled points; tables of them are made beside the others.


rule kernel_violin:
    input:
        kernels=f"{RESULTS}/tables/kernels.parquet",
    output:
        svg=report(
            f"{RESULTS}/plots/kernels.violin.svg",
            category="Plots",
            caption="../report/kernels.rst",
            labels={"plot": "kernels", "by": "kernel", "quantity": "time_us"},
        ),
        png=f"{RESULTS}/plots/kernels.violin.png",
    log:
        f"{LOGS}/kernels.violin.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**graph.violin_spec(STUDY)),
        code=code("plot_kernels.py", "nntest.pictures.plots.violin", "nntest.analysis.kernels"),
    message:
        "Plot violins by kernel"
    script:
        "../../scripts/plot_kernels.py"


rule kernel_stack:
    input:
        kernels=f"{RESULTS}/tables/kernels.parquet",
        share=f"{RESULTS}/tables/kernel_share.parquet",
    output:
        svg=report(
            f"{RESULTS}/plots/kernels.stack.svg",
            category="Plots",
            caption="../report/kernels.rst",
            labels={"plot": "kernels", "by": "tensor", "quantity": "share"},
        ),
        png=f"{RESULTS}/plots/kernels.stack.png",
    log:
        f"{LOGS}/kernels.stack.log",
    conda:
        "../envs/nntest.yaml"
    params:
        spec=spec(**graph.violin_spec(STUDY)),
        code=code("plot_kernels.py", "nntest.pictures.plots.kernel_stack"),
    message:
        "Plot what the time goes to, by kernel"
    script:
        "../../scripts/plot_kernels.py"
