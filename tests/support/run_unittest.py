#!/usr/bin/env python3
"""Runs one unittest file and, where DCGAN_TEST_REPORTS names a folder, leaves its cases there as JUnit XML.

usage: run_unittest.py NAME FILE.py [TEST ...]
"""

import importlib.util
import os
import sys
import unittest
from pathlib import Path
from xml.etree import ElementTree


class RecordingResult(unittest.TextTestResult):
    """Keeps the names of all cases with what became of them."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test.id()] = None

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.outcomes[test.id()] = "failure"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.outcomes[test.id()] = "failure"

    def addError(self, test, err):
        super().addError(test, err)
        self.outcomes[test.id()] = "failure"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"


def write_report(path, outcomes):
    root = ElementTree.Element("testsuite")
    for name, outcome in outcomes.items():
        case = ElementTree.SubElement(root, "testcase", name=name)
        if outcome:
            ElementTree.SubElement(case, outcome)
    ElementTree.ElementTree(root).write(path)


def main():
    name, file, *tests = sys.argv[1:]
    sys.path[:0] = [str(Path(file).parent), str(Path(__file__).parent)]
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(tests, module) if tests else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2, resultclass=RecordingResult).run(suite)
    if os.environ.get("DCGAN_TEST_REPORTS"):
        write_report(Path(os.environ["DCGAN_TEST_REPORTS"]) / f"{name}.xml", result.outcomes)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
