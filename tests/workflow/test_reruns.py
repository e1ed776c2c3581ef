"""Exactly what changed runs again, as `snakemake -n` tells it."""

from __future__ import annotations

from workflow.study import CONFIG, LAYERS, Checkout, own_study

MADE_OF_TABLES = {"plots", "stills", "pages", "record_history", "report", "all"}
ANALYSIS = {"merge", "tidy", "tables", *MADE_OF_TABLES}
MEASURING = {"probe", "install", "sweep"}


def test_a_finished_study_has_nothing_to_be_done(finished: Checkout) -> None:
    assert finished.would_run() == {}


@own_study
def test_a_further_tensor_measures_that_tensor_alone(study: Checkout) -> None:
    study.configure(tensors={"conv": ["4-8-8-1-4-1-0"]})
    assert set(study.would_run()) == {"sweep", *ANALYSIS}
    assert study.to_measure() == [4 * CONFIG["repetitions"]]
    before = study.journal()
    study.run()
    after = study.journal()
    assert after[: len(before)] == before
    assert len(after) == len(before) + 4 * CONFIG["repetitions"]
    assert study.to_measure() == []


def test_a_changed_layer_measures_that_layer_alone(study: Checkout) -> None:
    layers = [LAYERS[0], *[{**layer, "tensor": "8-16-16-1-160-1-0"} for layer in LAYERS[1:3]]]
    study.write("config/networks/tiny.yaml", definition={"family": "layers", "layers": layers})
    assert study.to_measure() == [4 * CONFIG["repetitions"]]


def test_more_repetitions_measure_only_the_further_ones(study: Checkout) -> None:
    study.configure(repetitions=CONFIG["repetitions"] + 1)
    assert study.to_measure() == [8]


@own_study
def test_cutting_the_study_into_other_sweeps_measures_nothing(study: Checkout) -> None:
    study.configure(sweep_by="operator-tuner")
    assert study.would_run()["sweep"] == 4
    assert study.to_measure() == [0, 0, 0, 0]
    before = study.journal()
    study.run("--until", "sweep")
    assert study.journal() == before


def test_a_plot_title_runs_plots_and_report_only(study: Checkout) -> None:
    study.configure(plots={"violin": {"title": "Another title"}})
    assert set(study.would_run()) == {"plots", "report", "all"}


def test_an_edit_of_the_plots_code_runs_no_sweep(study: Checkout) -> None:
    study.edit("scripts/nntest/pictures/plots/violin.py", "import", "_edited = 1\nimport")
    study.edit("scripts/nntest/pictures/plots/violin.py", "_edited = 1\n", "")
    assert study.would_run() == {}
    study.add("scripts/nntest/pictures/plots/violin.py", "EDITED = 1")
    assert set(study.would_run()) == {"plots", "report", "all"}


def test_an_edit_of_the_statistics_runs_no_sweep(study: Checkout) -> None:
    study.add("scripts/nntest/analysis/stats.py", "EDITED = 1")
    assert not MEASURING & set(study.would_run())
    assert "tables" in study.would_run()


def test_an_edit_of_the_kernels_measures_all_of_the_library_again(study: Checkout) -> None:
    kernel = "scripts/onboard/opencl_reference/kernels/gemm.cl"
    study.add(kernel, "#define EDITED 1")
    assert set(study.would_run()) == {"install", "sweep", *ANALYSIS}
    assert study.to_measure() == [24]


def test_an_edit_of_the_measuring_part_measures_again(study: Checkout) -> None:
    study.edit("scripts/onboard/measure.py", "LOG_TAIL_BYTES = 2000", "LOG_TAIL_BYTES = 3000")
    assert set(study.would_run()) == {"sweep", *ANALYSIS}
    assert study.to_measure() == [24]


def test_an_edit_of_the_tensors_asks_the_board_and_measures_nothing(study: Checkout) -> None:
    study.add("scripts/nntest/domain/tensors.py", "EDITED = 1")
    assert MEASURING & set(study.would_run()) == {"sweep"}
    assert study.to_measure() == [0]


def test_what_the_report_alone_shows_runs_it_alone(study: Checkout) -> None:
    """A caption; a further table or picture, which runs none of the others again; its style."""
    study.edit("scripts/nntest/graph/plots.py", "Time of each layer", "Times of layers")
    study.edit("scripts/nntest/graph/trade_offs.py", "Latency of a batch", "Batches")
    study.edit("scripts/nntest/graph/tables.py", "import Any\n", "import Any\n\nEDITED = 1\n")
    study.edit("scripts/nntest/report/page.css", "{", "{ ")
    assert study.would_run() == {"report": 1, "all": 1}


def test_the_style_of_the_pages_runs_them_alone(study: Checkout) -> None:
    study.edit("scripts/nntest/pictures/charts/page.css", "{", "{ ")
    assert study.would_run() == {"pages": 1, "all": 1}


def test_words_of_snakemake_run_nothing(study: Checkout) -> None:
    study.edit("workflow/rules/tables.smk", '"Make the tables"', '"Tables"')
    study.add("workflow/report/table.rst", "One more line.")
    assert study.would_run() == {}


def test_tables_run_again_for_the_module_of_one(study: Checkout) -> None:
    """Whose name stands in `domain.tables`, where no import statement says it."""
    study.add("scripts/nntest/analysis/study_figure.py", "EDITED = 1")
    assert study.would_run() == dict.fromkeys(["tables", *MADE_OF_TABLES], 1)


def test_a_comment_runs_nothing(study: Checkout) -> None:
    for name in (
        "scripts/onboard/measure.py",
        "scripts/onboard/runner.py",
        "scripts/nntest/analysis/stats.py",
        "scripts/sweep.py",
    ):
        study.add(name, "# a comment")
    study.add("scripts/onboard/opencl_reference/kernels/gemm.cl", "// a comment")
    assert study.would_run() == {}


def test_other_words_for_a_table_make_the_report_alone_again(study: Checkout) -> None:
    tables = "scripts/nntest/domain/tables"
    study.edit(f"{tables}/study.py", "Each point's repetitions: count", "For each point: count")
    study.edit(f"{tables}/shared.py", 'meaning="fastest repetition"', 'meaning="the fastest"')
    assert set(study.would_run()) == {"report", "all"}


def test_another_board_file_runs_nothing(study: Checkout) -> None:
    study.write(
        "config/boards/other.yaml",
        connect={"transport": "ssh", "host": "nowhere"},
        work_dir="w",
        platform={"name": "Other", "models": ["Some model"]},
    )
    assert study.would_run() == {}


def test_a_description_runs_nothing(study: Checkout) -> None:
    study.write(
        "config/boards/here.yaml",
        description="a new word for it",
        connect={"transport": "local"},
        work_dir="results/boards/here",
        lock_file=str(study.folder / "board.lock"),
    )
    assert study.would_run() == {}


def test_a_config_in_another_order_runs_nothing(study: Checkout) -> None:
    study.write("config/config.yaml", **dict(reversed(CONFIG.items())))
    assert study.would_run() == {}


def test_another_configfile_and_config_on_the_command_line(study: Checkout) -> None:
    study.write("more.yaml", study="second", repetitions=1)
    assert study.would_run("--configfile", "more.yaml")["sweep"] == 1
    assert study.to_measure("--configfile", "more.yaml") == [8]
    assert study.would_run("--config", "boards=[here]") == {}
    status, output = study.run_anyhow("-n", "--config", "boards=[nobody]")
    assert status != 0
    assert "'nobody' has no file config/boards/nobody.yaml" in output
