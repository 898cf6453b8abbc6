import nbformat
from nbclient import NotebookClient

from tests.support.project import REPOSITORY


def test_the_walkthrough_runs_as_written(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.read(REPOSITORY / "docs" / "walkthrough.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": REPOSITORY / "docs"}}).execute()
    words = "".join(
        output.get("text", "") + str(output.get("data", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    assert "unknown setting 'learning_rat'; did you mean 'learning_rate'?" in words
    assert "demo, split small, 1,000 test images: test/accuracy, higher is better" in words
    assert words.count("image/png") == 2
    (report,) = [cell for cell in notebook.cells if cell.source.endswith("\nreport")]
    assert len([output for output in report.outputs if output.get("name") != "stderr"]) == 1
    assert not (REPOSITORY / "docs" / "mlruns").exists()
