"""For documents: Markdown and LaTeX."""

import re
from collections.abc import Sequence

from cifake.comparison.table import Section, Table

_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
    "→": r"$\to$", "≥": r"$\geq$", "<": r"$<$", ">": r"$>$", "↓": r"$\downarrow$",
    "▲": r"$\bigtriangleup$", "▼": r"$\bigtriangledown$", **{sign: f"\\{sign}" for sign in "&%$#_{}"},
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
        conclusion = [f"**{table.conclusion}**"] if table.conclusion else []
        blocks.append("\n\n".join([*conclusion, table.caption, body, *table.notes]))
    return "\n\n".join(blocks) + "\n"


def latex(sections: Sequence[Section]) -> str:
    r"""Tables for LaTeX, the best in bold; the document needs ``\usepackage{booktabs}``."""
    return "\n".join(
        _latex(table, f"tab:{section.name}{f'-{number}' if number > 1 else ''}")
        for section in sections
        for number, table in enumerate(section.tables, start=1)
    )


def _latex(table: Table, label: str) -> str:
    cells = [[_tex(cell) for cell in line] for line in _cells(table)]
    for line, row in zip(cells, table.rows, strict=True):
        for place, column in enumerate(table.columns):
            leads = row.get("rank") == 1 and column.key in ("variant", table.metadata.get("metric"))
            if leads or column.judgement(row) == "best":
                line[place] = rf"\textbf{{{line[place]}}}"
    titles = [_tex(column.title) for column in table.columns]
    head, *body = (_tex_row(line) for line in [titles, *cells])
    text = " ".join([*([table.conclusion] if table.conclusion else []), table.caption, *table.notes])
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_tex(text)}}}",
        rf"\label{{{label}}}",
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


def _tex_row(cells: Sequence[str]) -> str:
    r"""A row of a table; what precedes it, such as ``\\``, would take a first ``[`` or ``*`` as its own."""
    row = " & ".join(cells) + r" \\"
    return f"{{}}{row}" if row.startswith(("[", "*")) else row


def _tex(text: str) -> str:
    """Escape LaTeX's own characters; a hyphen before a digit is a minus sign."""
    escaped = _TEX_SIGN.sub(lambda sign: _TEX[sign.group()], text)
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", escaped)
