from cifake.core.progress import progress_bar


def test_a_description_with_brackets_is_shown_as_it_is():
    progress = progress_bar()
    progress.add_task("images[/]")
    assert progress.columns[0].render(progress.tasks[0]).plain == "images[/]"
