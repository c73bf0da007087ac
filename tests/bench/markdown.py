"""Tables of the scripts beside this one, in Markdown, in a page between two marks or on stdout."""


def table(rows):
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def write(text, page, marks):
    """Between the marks of the page (a pathlib.Path); without a page, to stdout."""
    if not page:
        print(text, end="")
        return
    before, rest = page.read_text(encoding="utf-8").split(marks[0])
    after = rest.split(marks[1])[1]
    page.write_text(before + marks[0] + text + marks[1] + after, encoding="utf-8")
