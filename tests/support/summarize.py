#!/usr/bin/env python3
"""Adds up what ctest ran: the cases inside a row where the row left a report of its own, otherwise the row; and the
cases of reports that belong to no row.

usage: summarize.py CTEST_JUNIT.xml REPORTS_FOLDER     prints what failed and was skipped, then the counts
"""

import sys
from pathlib import Path
from xml.etree import ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    skipped = case.find("skipped") is not None or case.get("result") == "skipped"
    if skipped or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def cases_of_report(report):
    """Pairs of name and outcome."""
    return [(f"{report.stem}: {'.'.join(filter(None, (case.get('classname'), case.get('name'))))}", outcome(case))
            for case in ElementTree.parse(report).iter("testcase")]


def cases_of_row(row, reports):
    """GoogleTest leaves no report when a program crashes: then the row counts."""
    name, row_outcome = row.get("name"), outcome(row)
    report = reports / f"{name}.xml"
    cases = cases_of_report(report) if report.exists() else []
    if not cases or (row_outcome == "failed" and all(result != "failed" for _, result in cases)):
        cases.append((name, row_outcome))
    return cases


def main():
    junit, reports = Path(sys.argv[1]), Path(sys.argv[2])
    rows = list(ElementTree.parse(junit).iter("testcase"))
    names = {row.get("name") for row in rows}
    cases = [case for row in rows for case in cases_of_row(row, reports)]
    cases += [case for report in sorted(reports.glob("*.xml")) if report.stem not in names
              for case in cases_of_report(report)]
    counts = {kind: sum(result == kind for _, result in cases) for kind in ("passed", "failed", "skipped")}
    for kind in ("skipped", "failed"):
        for name, result in cases:
            if result == kind:
                print(f"{kind}: {name}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
