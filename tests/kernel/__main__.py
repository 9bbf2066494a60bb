"""Runs the tests beside this file, all of them or those that are named, and prints each as the
sentence that it proves. What the kernels themselves print goes to stderr."""

import os
import sys
import unittest
from pathlib import Path


class Sentences(unittest.TextTestResult):
    def getDescription(self, test):
        case, _, name = str(test.id()).rpartition(".")
        return f"{case}: {name.removeprefix('test_').replace('_', ' ')}"


def main(names):
    # Kernels inherit what they print to.
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    here = str(Path(__file__).parent)
    sys.path.insert(0, here)
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names) if names else loader.discover(here)
    runner = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Sentences)
    result = runner.run(suite)
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


sys.exit(main(sys.argv[1:]))
