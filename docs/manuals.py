#!/usr/bin/env python3
"""Writes the manual pages and the completions for bash, from what the programs say of themselves with --help.

usage: docs/manuals.py FOLDER SHARE PROGRAM...    FOLDER: of the programs; PROGRAM: such as eval; SHARE/man/man1 and
                                                  SHARE/bash-completion/completions are made
"""

import gzip
import re
import sys
from pathlib import Path

from programs import PROGRAMS, commands_of, groups_of, help_of

OPTION = re.compile(r"^  (?:-(?P<short>\w) \[ )?--(?P<name>[\w-]+)(?: \])?(?P<value> [^\s(]\S*)?(?P<default> \(=.*?\))?(?:\s+(?P<help>.*))?$")


def options_of(lines):
    """The options of a group as dictionaries; a help text may go on over several lines."""
    options = []
    for line in lines.splitlines():
        match = OPTION.match(line)
        if match:
            options.append({name: (text or "").strip() for name, text in match.groupdict().items()})
        elif options:
            options[-1]["help"] += " " + line.strip()
    return options


def escaped(text):
    """As roff wants it: no hyphen that would become a dash, no line that begins with a request."""
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"), flags=re.M)


def sections(name, text):
    """SYNOPSIS, EXAMPLE and the options of a program or a command."""
    groups = groups_of(text)
    usage = groups[1][1].removeprefix("Usage: ")
    yield f".SS {escaped(name)}\n{escaped(groups[0][1])}\n.PP\n.nf\n{escaped(usage)}\n.fi"
    for heading, lines in groups[2:]:
        if heading == "Example":
            yield f".PP\n.B Example:\n.nf\n{escaped(lines)}\n.fi"
        elif heading and not heading.startswith("Commands"):
            yield f".PP\n.B {escaped(heading)}:"
            for option in options_of(lines):
                short = f"\\-{option['short']}, " if option["short"] else ""
                head = f"{short}\\-\\-{escaped(option['name'])} {escaped(option['value'])} {escaped(option['default'])}".rstrip()
                yield f".TP\n.B {head}\n{escaped(option['help'])}"


def manual(name, helps):
    """A page for a program and all of its commands."""
    parts = [f'.TH {name.upper()} 1 "" libdcgan "User Commands"',
             f".SH NAME\n{escaped(name)} \\- {escaped(groups_of(helps[''])[0][1])}", ".SH COMMANDS AND OPTIONS"]
    for command, text in helps.items():
        parts += sections(f"{name} {command}".strip(), text)
    parts.append(".SH EXIT STATUS\n0 all good; 1 failed; 2 wrong usage; 3 finished, but some inputs failed (they are listed); "
                 "130 interrupted, after a clean flush.")
    return "\n".join(parts) + "\n"


def completion(name, helps):
    """What bash asks: commands first, then options, then the words of an option that has a list of them, else files."""
    cases, values = [], {}
    for command, text in helps.items():
        options = [option for _, lines in groups_of(text) for option in options_of(lines)]
        for option in options:
            if "|" in option["value"] and "[" not in option["value"]:
                values["--" + option["name"]] = option["value"].replace("|", " ")
        cases.append((command, " ".join("--" + option["name"] for option in options)))
    commands = " ".join(command for command in helps if command and " " not in command)
    seconds = [command.split() for command in helps if " " in command]
    function = "_" + name.replace("-", "_")
    lines = [f"# {name}, for bash; generated from its --help", f"{function}() {{", '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=""',
             "  COMPREPLY=()", "  case $before in"]
    lines += [f'    {option}) COMPREPLY=($(compgen -W "{words}" -- "$word")); return ;;' for option, words in sorted(values.items())]
    lines += ["  esac", '  case "${COMP_WORDS[1]-} ${COMP_WORDS[2]-}" in']
    lines += [f'    "{command}") words="{options}" ;;' for command, options in cases if " " in command]
    lines += [f'    "{command} "*) words="{options}" ;;' for command, options in cases if command and " " not in command]
    lines += [f'    *) words="{dict(cases)[""]}" ;;', "  esac"]
    lines += [f'  if [ "$COMP_CWORD" = 2 ] && [ "${{COMP_WORDS[1]}}" = {first} ]; then COMPREPLY=($(compgen -W "{second} $words" -- "$word")); return; fi'
              for first, second in seconds]
    lines += [f'  if [ "$COMP_CWORD" = 1 ]; then words="{commands} $words"; fi',
              '  if [ "$COMP_CWORD" = 1 ] || [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi', "}",
              f"complete -o default -o bashdefault -F {function} {name}"]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) < 4 or not set(sys.argv[3:]) <= set(PROGRAMS):
        sys.exit(__doc__.strip())
    folder, share = Path(sys.argv[1]), Path(sys.argv[2])
    pages, completions = share / "man" / "man1", share / "bash-completion" / "completions"
    for path in (pages, completions):
        path.mkdir(parents=True, exist_ok=True)
    for name in (f"dcgan-{program}" for program in sys.argv[3:]):
        if not (folder / name).exists():  # built without LibTorch
            continue
        text = help_of(folder / name)
        helps = {"": text, **{command: help_of(folder / name, command) for command in commands_of(text)}}
        (pages / f"{name}.1.gz").write_bytes(gzip.compress(manual(name, helps).encode(), mtime=0))
        (completions / name).write_text(completion(name, helps), encoding="utf-8")


if __name__ == "__main__":
    main()
