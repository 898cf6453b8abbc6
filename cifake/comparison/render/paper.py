"""For documents: Markdown and LaTeX."""

import re
from collections.abc import Sequence

from cifake.comparison.table import Section, Table

_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
    "≥": r"$\geq$", "<": r"$<$", ">": r"$>$", **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}  # fmt: skip
_TEX_SIGN = re.compile("|".join(map(re.escape, _TEX)))


def markdown(sections: Sequence[Section]) -> str:
    """Pipe tables, as GitHub and the MLflow UI show them."""
    blocks = []
    for table in (table for section in sections for table in section.tables):
        lines = [
            [column.title for column in table.columns],
            ["--:" if column.form else ":--" for column in table.columns],
            *_cells(table),
        ]
        body = "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )
        blocks.append("\n\n".join([table.caption, body, *table.notes]))
    return "\n\n".join(blocks) + "\n"


def latex(sections: Sequence[Section]) -> str:
    r"""Tables for LaTeX; the document needs ``\usepackage{booktabs}``."""
    return "\n".join(_latex(table) for section in sections for table in section.tables)


def _latex(table: Table) -> str:
    head, *body = (
        " & ".join(_tex(cell) for cell in line) + r" \\"
        for line in [[column.title for column in table.columns], *_cells(table)]
    )
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_tex(' '.join([table.caption, *table.notes]))}}}",
        rf"\begin{{tabular}}{{{''.join('r' if column.form else 'l' for column in table.columns)}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cells(table: Table) -> list[list[str]]:
    return [[column.show(row) for column in table.columns] for row in table.rows]


def _tex(text: str) -> str:
    """Escape LaTeX's own characters; a hyphen before a digit is a minus sign."""
    escaped = _TEX_SIGN.sub(lambda sign: _TEX[sign.group()], text)
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", escaped)
