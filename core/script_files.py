"""The sections of a script as the two files that a reader takes home: .py and .ipynb."""

from __future__ import annotations

from collections.abc import Sequence

from core.script_parts import Section

_INSTALL = """
# 日本語フォントの部品がなければ入れます(Google Colab では、この一つだけが足りません)
import importlib.util

if importlib.util.find_spec("japanize_matplotlib") is None:
    %pip install -q japanize-matplotlib
"""


def as_script(preface: Sequence[str], sections: Sequence[Section]) -> str:
    """Write a script: the lines of ``preface`` as comments, then section by section."""
    text = "".join(f"# {line}\n" for line in preface)
    for number, step in enumerate(sections, start=1):
        explanation = "".join(f"# {line}\n" for line in step.explanation.splitlines())
        text += f"\n# ----- {number}. {step.title} -----\n{explanation}\n{step.code}\n"
    return text


def as_notebook(preface: Sequence[str], sections: Sequence[Section]) -> str:
    """Write a notebook (UTF-8) of the same sections; the first line of ``preface`` is its title."""
    from nbformat import v4, validate, writes  # here, so that a page without a download does without it

    title, *rest = preface
    cells = [v4.new_markdown_cell(f"# {title}\n\n" + "\n".join(f"- {line}" for line in rest))]
    cells.append(v4.new_code_cell(_INSTALL.strip()))
    for number, step in enumerate(sections, start=1):
        explanation = step.explanation.replace("\n", "  \n")
        cells.append(v4.new_markdown_cell(f"## {number}. {step.title}\n\n{explanation}"))
        cells.append(v4.new_code_cell(step.code))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same text for the same run
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = v4.new_notebook(cells=cells)
    book.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    validate(book)
    text: str = writes(book)
    return text
